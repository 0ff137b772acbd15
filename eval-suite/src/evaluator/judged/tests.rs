//! The judged evaluators against a judge that answers by script: what they ask, and what they make of the verdicts.

mod sessions;
mod verdicts;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::testing::{block_on, call, case, reply};
use super::super::{Setup, Status, all, evaluate, for_case, registry};
use super::*;
use crate::client::Reply;
use crate::dataset::{Case, CaseEvaluator, Goal};
use crate::judge::{Config, ModelErrorKind, Request, ScriptedJudge, Step};

fn setup(rule: impl Fn(&Request) -> Step + Send + Sync + 'static) -> Setup {
    let judge = Judge::new(Arc::new(ScriptedJudge::by(rule)), Config::new("m"), None).unwrap();
    Setup {
        judge: Some(Arc::new(judge)),
        ..Setup::default()
    }
}

/// The text of a block of the request.
fn block(request: &Request, name: &str) -> String {
    let (open, close) = (format!("<<<{name}>>>\n"), format!("\n<<<END {name}>>>"));
    request
        .user
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close))
        .map(|(text, _)| text.to_owned())
        .unwrap_or_default()
}

/// A judge that finds a fact, or a statement, where its words stand in the answer or the context.
fn reader(request: &Request) -> Step {
    let task = request.system.rsplit("TASK: ").next().unwrap_or_default();
    let lines = |text: String| -> Vec<String> {
        text.split(['\n', ';'])
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    let stands = |hay: &str| block(request, hay).contains(&block(request, "FACT"));
    let yes = |yes: bool| Step::Choose(if yes { "yes" } else { "no" });
    match task {
        "fact" if stands("ANSWER") => Step::Choose("supported"),
        "fact" if block(request, "ANSWER").contains("not") => Step::Choose("contradicted"),
        "fact" => Step::Choose("absent"),
        "faithfulness" | "context_recall" => yes(stands("CONTEXT")),
        "context_precision" => yes(block(request, "CONTEXT").contains("useful")),
        "statements" => Step::Items(lines(block(request, "ANSWER"))),
        "sentences" | "entities" => Step::Items(lines(block(request, "CONTEXT"))),
        "goal" => {
            let goal = block(request, "ASSERTION");
            yes(block(request, "TRANSCRIPT").contains(&goal))
        }
        "tool_selection" | "tool_parameters" => {
            yes(block(request, "TOOL_CALL").contains("4500000520"))
        }
        _ => Step::Fail(ModelErrorKind::Permanent),
    }
}

fn options(options: Value) -> Map<String, Value> {
    options.as_object().cloned().unwrap()
}

#[track_caller]
fn check_session(
    setup: &Setup,
    name: &str,
    given: Value,
    case: &Case,
    replies: &[Reply],
    expected: &str,
) {
    let evaluator = registry::build(name, options(given), None, setup).unwrap();
    let evaluation = block_on(evaluate(evaluator.as_ref(), case, Ok(replies)));
    let found = match (evaluation.status, evaluation.value) {
        (Status::Scored, Some(value)) => format!(
            "{value:.3} {} {}: {}",
            if evaluation.passed == Some(true) {
                "passed"
            } else {
                "failed"
            },
            evaluation.label.unwrap_or_default(),
            evaluation.reason
        ),
        (status, _) => format!("{status:?}: {}", evaluation.reason),
    };
    assert_eq!(found, expected);
}

#[track_caller]
fn check(setup: &Setup, name: &str, given: Value, case: &Case, reply: &Reply, expected: &str) {
    check_session(
        setup,
        name,
        given,
        case,
        std::slice::from_ref(reply),
        expected,
    );
}

fn options_of(name: &str) -> Value {
    match name {
        "rubric" => json!({"criteria": "polite"}),
        "composite" => json!({"of": [{"name": "helpfulness"}]}),
        _ => json!({}),
    }
}

fn full_case() -> Case {
    let mut case = case("en", r#"{"facts":[{"text":"209,236.00 USD"}]}"#);
    case.goal = Some(Goal {
        text: "know the total".to_owned(),
        assertions: Vec::new(),
    });
    case
}

fn full_reply() -> Reply {
    let mut reply = reply("The total is 209,236.00 USD.");
    let mut read = call("get_po", r#"{"po_number":"4500000520"}"#);
    read.result = json!("total 209,236.00 USD");
    reply.trajectory = Some(vec![read]);
    reply
}

#[test]
fn a_judge_that_is_down_or_missing_is_never_a_score() {
    let down = setup(|_| Step::Fail(ModelErrorKind::Permanent));
    for descriptor in JUDGED {
        for (setup, why) in [
            (&down, "judge m: the judge is down"),
            (&Setup::default(), "no judge is configured"),
        ] {
            let evaluator = descriptor
                .build(options(options_of(descriptor.name)), None, setup)
                .unwrap();
            assert_eq!(evaluator.name(), descriptor.name);
            let evaluation = block_on(evaluate(
                evaluator.as_ref(),
                &full_case(),
                Ok(&[full_reply()]),
            ));
            assert_eq!(
                (evaluation.status, evaluation.value, evaluation.passed),
                (Status::JudgeError, None, None),
                "{}: {}",
                descriptor.name,
                evaluation.reason
            );
            assert!(evaluation.reason.ends_with(why), "{}", evaluation.reason);
        }
    }
}

#[test]
fn options_are_checked_and_named() {
    for descriptor in JUDGED {
        let mut given = options(options_of(descriptor.name));
        given.insert("no_such".to_owned(), json!(1));
        let error = descriptor
            .build(given, None, &Setup::default())
            .err()
            .unwrap();
        assert!(
            error.message.contains(descriptor.name) && error.message.contains("no_such"),
            "{error}"
        );
    }
    let error = registry::build(
        "helpfulness",
        options(json!({"threshold": 2})),
        None,
        &Setup::default(),
    );
    assert_eq!(
        error.err().unwrap().message,
        "options of `helpfulness`: `threshold` must be 0 to 1"
    );
}

#[test]
fn identities_differ_by_everything_that_decides() {
    let with = |config: Config| Setup {
        judge: Some(Arc::new(
            Judge::new(Arc::new(ScriptedJudge::new([])), config, None).unwrap(),
        )),
        ..Setup::default()
    };
    let identity = |name: &str, given: Value, setup: &Setup| {
        registry::build(name, options(given), None, setup)
            .unwrap()
            .identity()
    };
    let plain = with(Config::new("m"));
    let mut seen = vec![
        identity("factuality", json!({}), &plain),
        identity("factuality", json!({"choice_map": "autoevals"}), &plain),
        identity("correctness", json!({}), &plain),
        identity("factuality", json!({}), &Setup::default()),
        identity("rubric", json!({"criteria": "a"}), &plain),
        identity("rubric", json!({"criteria": "a", "steps": ["b"]}), &plain),
        identity(
            "composite",
            json!({"of": [{"name": "helpfulness"}]}),
            &plain,
        ),
    ];
    let changes: [fn(&mut Config); 5] = [
        |config| config.model_id = "n".to_owned(),
        |config| config.votes = 3,
        |config| config.temperature = Some(0.5),
        |config| config.max_tokens = Some(500),
        |config| config.use_cot = false,
    ];
    for change in changes {
        let mut config = Config::new("m");
        change(&mut config);
        seen.push(identity("factuality", json!({}), &with(config)));
    }
    let slower = with(Config {
        timeout_ms: 1,
        max_concurrency: 1,
        ..Config::new("m")
    });
    assert_eq!(identity("factuality", json!({}), &slower), seen[0]);
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[test]
fn evaluators_of_a_case_and_of_every_case() {
    let mut setup = setup(|_| Step::Choose("yes"));
    setup.judged = vec!["closed_qa".to_owned(), "nobody".to_owned()];
    let everywhere = all(&setup);
    let last: Vec<&str> = everywhere.iter().rev().take(2).map(|e| e.name()).collect();
    assert_eq!(last, ["unknown_evaluator", "closed_qa"]);

    let mut case = case("en", "{}");
    let asked = |name: &str, given: Value, expected: Value| CaseEvaluator {
        name: name.to_owned(),
        options: options(given),
        expected: Some(expected).filter(|expected| !expected.is_null()),
    };
    case.evaluators = vec![
        asked("closed_qa", json!({"criteria": "polite"}), Value::Null),
        asked("exact_match", json!({}), json!("x")),
        asked("trajectory_names", json!({"mode": "exact"}), json!(["get"])),
        asked("closed_qa", json!({"criterion": "polite"}), Value::Null),
        asked("nobody", json!({}), Value::Null),
    ];
    let mut answer = reply("x");
    answer.trajectory = Some(vec![call("get", "{}")]);
    let found: Vec<(String, Status, Option<f64>)> = for_case(&case, &setup)
        .iter()
        .map(|evaluator| {
            let evaluation = block_on(evaluate(
                evaluator.as_ref(),
                &case,
                Ok(std::slice::from_ref(&answer)),
            ));
            (evaluation.evaluator, evaluation.status, evaluation.value)
        })
        .collect();
    let scored = |name: &str| (name.to_owned(), Status::Scored, Some(1.0));
    let failed = |name: &str| (name.to_owned(), Status::JudgeError, None);
    assert_eq!(
        found,
        [
            scored("closed_qa"),
            scored("exact_match"),
            scored("trajectory_names"),
            failed("closed_qa"),
            failed("unknown_evaluator"),
        ]
    );
}
