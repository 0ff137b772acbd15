//! Tool calls: names, order, arguments, loops.

use serde_json::{Value, json};

use super::check;

#[tokio::test]
async fn tool_calls() {
    let calls = json!([["s", {"q": "x"}], ["w", {"c": "p"}]]);
    let metric = |metric: &str| json!({ "metric": metric });
    check(
        "tool_call_score",
        vec![
            (
                metric("f1_names"),
                json!(["sap___s", "w"]),
                json!(["s", "z"]),
                json!(0.5),
            ),
            (metric("f1_calls"), calls.clone(), calls.clone(), json!(1.0)),
            (
                metric("f1_calls"),
                json!([["s", {"q": "y"}]]),
                json!([["s", {"q": "x"}]]),
                json!(0.0),
            ),
            (
                metric("ordered"),
                json!([["w", {}], ["s", {"q": "x"}]]),
                calls.clone(),
                json!(0.5),
            ),
            (
                metric("unordered"),
                json!([["w", {"c": "p"}], ["s", {"q": "x"}]]),
                calls.clone(),
                json!(1.0),
            ),
            (
                metric("ordered"),
                json!([["s", {"q": "x", "k": 1}]]),
                json!([["s", {"q": "x"}]]),
                json!(0.5),
            ),
            (metric("ordered"), json!([]), json!([]), json!(1.0)),
            (metric("ordered"), json!([]), calls.clone(), json!(0.0)),
            (
                metric("ordered"),
                json!(5),
                calls.clone(),
                json!("judge_error"),
            ),
        ],
    )
    .await;
    check(
        "trajectory_names",
        vec![
            (
                json!({"mode": "graded_in_order"}),
                json!(["a", "b"]),
                json!(["b", "a"]),
                json!(0.5),
            ),
            (
                json!({"mode": "graded_in_order"}),
                json!(["a"]),
                json!([]),
                json!("not_applicable"),
            ),
        ],
    )
    .await;
    let path = json!({"overrides": {"s": ["q.id"]}});
    let lax = json!({"overrides": {"s": ["q.id"]}, "missing_ok": true});
    check(
        "trajectory_args",
        vec![
            (
                path.clone(),
                json!([["s", {"q": {"id": 1, "x": 2}}]]),
                json!([["s", {"q": {"id": 1.0}}]]),
                json!(1.0),
            ),
            (path, json!([["s", {}]]), json!([["s", {}]]), json!(0.0)),
            (lax, json!([["s", {}]]), json!([["s", {}]]), json!(1.0)),
            (
                json!({"overrides": {"s": "ignore"}}),
                json!([["s", {"a": 1}]]),
                json!([["s", {}]]),
                json!(1.0),
            ),
        ],
    )
    .await;
    let check_term = json!({"tool": "search", "path": "search_term"});
    check(
        "argument_check",
        vec![
            (
                check_term.clone(),
                json!([["search", {"search_term": "the bike frames"}]]),
                json!("bike frames"),
                json!(1.0),
            ),
            (
                check_term.clone(),
                json!([["search", {"search_term": "bolts"}]]),
                json!("bike frames"),
                json!(0.0),
            ),
            (
                check_term,
                json!([["get", {}]]),
                json!("bike frames"),
                json!(0.0),
            ),
        ],
    )
    .await;
    let call = |n: usize| -> Value { vec![json!(["s", {"q": 1}]); n].into() };
    let retry = json!([
        {"name": "s", "arguments": {"q": 1}, "is_error": true},
        {"name": "s", "arguments": {"q": 1}, "is_error": true},
        {"name": "s", "arguments": {"q": 1}}
    ]);
    check(
        "repeated_calls",
        vec![
            (json!({}), call(2), json!("-"), json!(1.0)),
            (json!({}), call(3), json!("-"), json!(0.5)),
            (json!({}), call(6), json!("-"), json!(0.0)),
            (json!({}), retry, json!("-"), json!(1.0)),
            (json!({}), json!([]), json!("-"), json!(1.0)),
        ],
    )
    .await;
}
