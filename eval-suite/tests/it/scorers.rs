//! The evaluators of single samples, as `cargo xtask eval score` runs them: one row a rule.

use eval_suite::evaluator::scorer::Sample;
use eval_suite::evaluator::standalone::Standalone;
use serde_json::{Value, json};

mod tool_calls;

/// The value, or the status where there is none.
async fn outcome(name: &str, options: Value, output: Value, expected: Option<Value>) -> Value {
    let options = options.as_object().unwrap().clone();
    let evaluator = Standalone::find(name, options).unwrap();
    let result = evaluator
        .evaluate(&Sample {
            input: None,
            output,
            expected,
        })
        .await;
    match result["value"].as_f64() {
        Some(value) => json!((value * 1e6).round() / 1e6),
        None => result["status"].clone(),
    }
}

async fn check(name: &str, rows: Vec<(Value, Value, Value, Value)>) {
    for (options, output, expected, wanted) in rows {
        let shown = format!("{name} {options} {output} against {expected}");
        let expected = (expected != json!("-")).then_some(expected);
        assert_eq!(
            outcome(name, options, output, expected).await,
            wanted,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn texts() {
    let none = json!({});
    let mode = |mode: &str| json!({ "mode": mode });
    check(
        "text_predicate",
        vec![
            (
                none.clone(),
                json!("the total is 5"),
                json!("total"),
                json!(1.0),
            ),
            (
                none.clone(),
                json!("the total is 5"),
                json!("Total"),
                json!(0.0),
            ),
            (
                json!({"ignore_case": true}),
                json!("the total is 5"),
                json!("Total"),
                json!(1.0),
            ),
            (
                json!({"not": true}),
                json!("the total is 5"),
                json!("tax"),
                json!(1.0),
            ),
            (
                mode("contains_all"),
                json!("a b c"),
                json!(["a", "c"]),
                json!(1.0),
            ),
            (
                mode("contains_all"),
                json!("a b c"),
                json!(["a", "d"]),
                json!(0.0),
            ),
            (
                mode("contains_any"),
                json!("a b c"),
                json!(["d", "c"]),
                json!(1.0),
            ),
            (mode("starts_with"), json!("a.b"), json!("a."), json!(1.0)),
            (mode("starts_with"), json!("xa.b"), json!("a."), json!(0.0)),
            (mode("equals"), json!("a"), json!("a"), json!(1.0)),
            (
                mode("regex"),
                json!("PO 4500000520"),
                json!(r"\b45\d{8}\b"),
                json!(1.0),
            ),
            (mode("regex"), json!("x"), json!("("), json!("judge_error")),
            (none.clone(), json!("x"), json!(""), json!("judge_error")),
            (
                none.clone(),
                json!("x"),
                json!("-"),
                json!("missing_reference"),
            ),
        ],
    )
    .await;
    let metric = |metric: &str| json!({ "metric": metric });
    check(
        "text_overlap",
        vec![
            (
                none.clone(),
                json!("The cat sat."),
                json!("a cat sat down"),
                json!(0.8),
            ),
            (none.clone(), json!(""), json!("the"), json!(1.0)),
            (none.clone(), json!(""), json!("cat"), json!(0.0)),
            (
                metric("rouge_n"),
                json!("the cat"),
                json!("the dog"),
                json!(0.5),
            ),
            (
                json!({"metric": "rouge_n", "n": 2}),
                json!("a b c"),
                json!("a b d"),
                json!(0.5),
            ),
            (
                metric("rouge_l"),
                json!("a x b c"),
                json!("a b c"),
                json!(0.857143),
            ),
            (
                metric("bleu"),
                json!("the cat sat on the mat"),
                json!("the cat sat on the mat"),
                json!(1.0),
            ),
            (metric("bleu"), json!("dog"), json!("cat"), json!(0.0)),
            (
                json!({"metric": "rouge_n", "n": 0}),
                json!("a"),
                json!("a"),
                json!("judge_error"),
            ),
        ],
    )
    .await;
    check(
        "levenshtein",
        vec![
            (none.clone(), json!(""), json!(""), json!(1.0)),
            (
                none,
                json!("xabxcdxxefxgx"),
                json!("1ab2cd34ef5g6"),
                json!(0.538462),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn numbers_and_budgets() {
    let none = json!({});
    check(
        "numeric_diff",
        vec![
            (none.clone(), json!(1), json!(2), json!(0.666667)),
            (
                json!({"rel_tol": 0.01}),
                json!(100),
                json!(100.5),
                json!(1.0),
            ),
            (
                json!({"rel_tol": 0.001}),
                json!(100),
                json!(100.5),
                json!(0.0),
            ),
            (
                json!({"abs_tol": 0.5}),
                json!(100),
                json!(100.5),
                json!(1.0),
            ),
            (none, json!("1"), json!(1), json!("judge_error")),
        ],
    )
    .await;
    let budget = json!({"target": 100, "limit": 200});
    check(
        "soft_budget",
        vec![
            (budget.clone(), json!(80), json!("-"), json!(1.0)),
            (budget.clone(), json!(150), json!("-"), json!(0.5)),
            (budget.clone(), json!(200), json!("-"), json!(0.0)),
            (budget, Value::Null, json!("-"), json!("not_applicable")),
            (json!({"limit": 3}), json!(3), json!("-"), json!(1.0)),
            (json!({"limit": 3}), json!(4), json!("-"), json!(0.0)),
            (
                json!({"target": 5, "limit": 3}),
                json!(4),
                json!("-"),
                json!("judge_error"),
            ),
        ],
    )
    .await;
    check(
        "embedding_similarity",
        vec![
            (
                json!({"min": 0}),
                json!([1, 2, 3]),
                json!([4, 5, 6]),
                json!(0.974632),
            ),
            (json!({}), json!([1, 0]), json!([1]), json!("judge_error")),
            (
                json!({"min": 1}),
                json!([1]),
                json!([1]),
                json!("judge_error"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn documents() {
    let none = json!({});
    check(
        "json_diff",
        vec![
            (
                none.clone(),
                json!({"a": 1}),
                json!(["a", 1]),
                json!(0.571429),
            ),
            (
                none.clone(),
                json!({"mapping": {"a": "foo", "b": "bar"}}),
                json!({"mapping": {"a": "Foo", "b": "Bar"}, "Extra": 1}),
                json!(0.333333),
            ),
            (
                json!({"null_is_missing": false}),
                json!({"a": null}),
                json!({}),
                json!(0.0),
            ),
            (
                json!({"null_is_missing": false}),
                json!({"a": null}),
                json!({"a": null}),
                json!(1.0),
            ),
            (none.clone(), json!(true), json!(false), json!(0.0)),
        ],
    )
    .await;
    check(
        "exact_match",
        vec![
            (
                none.clone(),
                json!({"a": 1, "b": 2}),
                json!({"b": 2, "a": 1.0}),
                json!(1.0),
            ),
            (none.clone(), json!(123), json!("123"), json!(1.0)),
            (
                none.clone(),
                json!({"a": [1]}),
                json!("{\"a\": [1]}"),
                json!(1.0),
            ),
            (none.clone(), json!({"a": 1}), json!("no json"), json!(0.0)),
            (
                none.clone(),
                json!(9_007_199_254_740_993_i64),
                json!(9_007_199_254_740_992_i64),
                json!(0.0),
            ),
            (
                none.clone(),
                json!("a"),
                json!("-"),
                json!("missing_reference"),
            ),
        ],
    )
    .await;
    check(
        "valid_json",
        vec![
            (
                none.clone(),
                json!("{\"a\":1,\"a\":2}"),
                json!("-"),
                json!(1.0),
            ),
            (
                none,
                json!("{\"a\":1}"),
                json!({"type": 7}),
                json!("judge_error"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn evaluators_of_replies_take_samples_too() {
    check(
        "Fact-Coverage",
        vec![
            (
                json!({}),
                json!("It is 209,236.00 USD."),
                json!("209236"),
                json!(1.0),
            ),
            (
                json!({}),
                json!("It is 209,236.00 USD."),
                json!(["209236", "EUR"]),
                json!(0.5),
            ),
            (json!({}), json!(7), json!("7"), json!("judge_error")),
        ],
    )
    .await;
    check(
        "trajectory",
        vec![(
            json!({}),
            json!({"text": "x", "trajectory": [{"name": "sap___a"}]}),
            json!({"trajectory": {"tools": ["a"], "mode": "exact"}}),
            json!(1.0),
        )],
    )
    .await;
}

#[test]
fn unknown_names_and_options_are_told() {
    let error = |name: &str, options: Value| {
        Standalone::find(name, options.as_object().unwrap().clone())
            .unwrap_err()
            .message
    };
    assert!(error("nope", json!({})).contains("there are exact_match, levenshtein"));
    assert!(error("levenshtein", json!({"treshold": 1})).contains("unknown field `treshold`"));
    assert!(error("language", json!({"x": 1})).contains("takes no options"));
}

#[tokio::test]
async fn scores_of_other_options_are_not_comparable() {
    let identity = async |options: Value| {
        let evaluator =
            Standalone::find("levenshtein", options.as_object().unwrap().clone()).unwrap();
        evaluator.evaluate(&Sample::pair("a", "b")).await["identity"].clone()
    };
    assert_eq!(identity(json!({})).await, identity(json!({})).await);
    assert_ne!(
        identity(json!({})).await,
        identity(json!({"threshold": 0.9})).await
    );
}
