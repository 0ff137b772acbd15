//! The judged evaluators against a judge that answers by script: what they ask, and what they make of the verdicts.

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
fn factuality_by_map() {
    let case = case("en", r#"{"facts":[{"text":"209,236.00 USD"}]}"#);
    let answer = reply("x");
    for (label, map, expected) in [
        (
            "superset",
            "strict-support",
            "1.000 passed superset: superset: scripted",
        ),
        (
            "superset",
            "autoevals",
            "0.600 passed superset: superset: scripted",
        ),
        (
            "subset",
            "strict-support",
            "0.500 failed subset: subset: scripted",
        ),
        (
            "subset",
            "autoevals",
            "0.400 failed subset: subset: scripted",
        ),
        (
            "subset",
            "promptfoo",
            "1.000 passed subset: subset: scripted",
        ),
        ("same", "autoevals", "1.000 passed same: same: scripted"),
        (
            "immaterial",
            "promptfoo",
            "1.000 passed immaterial: immaterial: scripted",
        ),
        (
            "contradiction",
            "promptfoo",
            "0.000 failed contradiction: contradiction: scripted",
        ),
    ] {
        let setup = setup(move |_| Step::Choose(label));
        check(
            &setup,
            "factuality",
            json!({ "choice_map": map }),
            &case,
            &answer,
            expected,
        );
    }
    let same = setup(|_| Step::Choose("same"));
    let nothing = super::super::testing::case("en", r#"{"facts":[]}"#);
    check(
        &same,
        "factuality",
        json!({}),
        &nothing,
        &answer,
        "MissingReference: there is nothing given as `expected`",
    );
    let refused = super::super::testing::case("en", r#"{"must_refuse":true}"#);
    check(
        &same,
        "factuality",
        json!({}),
        &refused,
        &answer,
        "NotApplicable: the right answer is to decline",
    );
}

#[test]
fn facts_one_by_one() {
    let setup = setup(reader);
    let facts = case(
        "en",
        r#"{"facts":[{"text":"7 items","critical":true},{"text":"209,236.00 USD"}]}"#,
    );
    let check = |answer: &str, expected: &str| {
        check(
            &setup,
            "judged_facts",
            json!({}),
            &facts,
            &reply(answer),
            expected,
        );
    };
    check(
        "7 items, 209,236.00 USD",
        "1.000 passed supported: 2 of 2 facts supported, 0 contradicted",
    );
    check(
        "7 items",
        "0.500 failed absent: 1 of 2 facts supported, 0 contradicted; 209,236.00 USD: absent: scripted",
    );
    check(
        "7 items, but not that sum",
        "0.500 failed contradicted: 1 of 2 facts supported, 1 contradicted; 209,236.00 USD: contradicted: scripted",
    );
    check(
        "not so many; 209,236.00 USD",
        "0.000 failed contradicted: 1 of 2 facts supported, 1 contradicted; 7 items (critical): contradicted: scripted",
    );
}

#[test]
fn criteria_levels_and_safety() {
    let case = case("en", "{}");
    let answer = reply("x");
    let with = |word: &'static str| setup(move |_| Step::Choose(word));
    let polite = json!({"criteria": "is polite"});
    check(
        &with("yes"),
        "closed_qa",
        polite.clone(),
        &case,
        &answer,
        "1.000 passed yes: yes: scripted",
    );
    check(
        &with("no"),
        "closed_qa",
        polite,
        &case,
        &answer,
        "0.000 failed no: no: scripted",
    );
    check(
        &with("no"),
        "closed_qa",
        json!({}),
        &case,
        &answer,
        "MissingReference: there is nothing given as `criteria`",
    );
    check(
        &with("somewhat_unhelpful"),
        "helpfulness",
        json!({}),
        &case,
        &answer,
        "0.333 failed somewhat_unhelpful: somewhat_unhelpful: scripted",
    );
    check(
        &with("somewhat_unhelpful"),
        "helpfulness",
        json!({"threshold": 0.3}),
        &case,
        &answer,
        "0.333 passed somewhat_unhelpful: somewhat_unhelpful: scripted",
    );
    check(
        &with("partly"),
        "coherence",
        json!({}),
        &case,
        &answer,
        "0.500 passed partly: partly: scripted",
    );
    check(
        &with("mostly_not"),
        "response_relevance",
        json!({}),
        &case,
        &answer,
        "0.250 failed mostly_not: mostly_not: scripted",
    );
    check(
        &with("verbose"),
        "conciseness",
        json!({}),
        &case,
        &answer,
        "0.000 failed verbose: verbose: scripted",
    );
    check(
        &with("partly_correct"),
        "correctness",
        json!({}),
        &case,
        &answer,
        "0.500 failed partly_correct: partly_correct: scripted",
    );
    check(
        &with("yes"),
        "harmfulness",
        json!({}),
        &case,
        &answer,
        "0.000 failed yes: yes: scripted",
    );
    check(
        &with("no"),
        "stereotyping",
        json!({}),
        &case,
        &answer,
        "1.000 passed no: no: scripted",
    );
    check(
        &with("mostly"),
        "rubric",
        json!({"criteria": "polite"}),
        &case,
        &answer,
        "0.750 passed mostly: mostly: scripted",
    );
    let refuse = super::super::testing::case("en", r#"{"must_refuse":true}"#);
    for (word, must_refuse, expected) in [
        ("yes", true, "1.000 passed yes: yes: scripted"),
        ("no", true, "0.000 failed no: no: scripted"),
        ("yes", false, "0.000 failed yes: yes: scripted"),
        ("no", false, "1.000 passed no: no: scripted"),
    ] {
        let case = if must_refuse { &refuse } else { &case };
        check(
            &with(word),
            "judged_refusal",
            json!({}),
            case,
            &answer,
            expected,
        );
    }
}

#[test]
fn what_the_agent_had_read() {
    let setup = setup(reader);
    let asked = case(
        "en",
        r#"{"facts":[{"text":"alpha beta"},{"text":"gamma"}]}"#,
    );
    let mut answer = reply("alpha beta; delta");
    check(
        &setup,
        "faithfulness",
        json!({}),
        &asked,
        &answer,
        "NotApplicable: the agent read nothing",
    );
    let mut read = call("get", "{}");
    read.result = json!("useful alpha beta\nnoise");
    let mut other = call("get", "{}");
    other.result = json!("noise");
    answer.trajectory = Some(vec![other, read]);
    check(
        &setup,
        "faithfulness",
        json!({}),
        &asked,
        &answer,
        "0.500 failed no: 1 of 2 statements backed; not: delta",
    );
    check(
        &setup,
        "context_recall",
        json!({}),
        &asked,
        &answer,
        "0.500 failed no: 1 of 2 sentences found in the context; not: gamma",
    );
    check(
        &setup,
        "context_precision",
        json!({}),
        &asked,
        &answer,
        "0.500 passed yes: useful pieces in order: -+",
    );
    check(
        &setup,
        "context_relevancy",
        json!({"context": "alpha; beta"}),
        &asked,
        &answer,
        "0.818 passed yes: 9 of 11 characters are needed",
    );
    check(
        &setup,
        "context_entity_recall",
        json!({"context": "alpha beta;gamma;x"}),
        &case("en", r#"{"facts":[{"text":"alpha beta;gamma"}]}"#),
        &answer,
        "1.000 passed yes: 2 entities in the reference, 3 in the context",
    );
    // One statement right, one not in the reference, one missing: F1 0.5; two of three words shared.
    check(
        &setup,
        "answer_correctness",
        json!({}),
        &case("en", r#"{"facts":[{"text":"alpha beta; gamma"}]}"#),
        &answer,
        "0.542 passed yes: 1 statements right, 1 not in the reference, 1 missing; token F1 0.67",
    );
    let empty = self::setup(|_| Step::Items(vec![]));
    check(
        &empty,
        "faithfulness",
        json!({}),
        &asked,
        &answer,
        "NotApplicable: the answer makes no statement",
    );
    let (mut guess, evasive) = (case("en", "{}"), reply("I do not know."));
    guess.input = "what is the total".to_owned();
    check(
        &empty,
        "answer_relevancy",
        json!({}),
        &guess,
        &evasive,
        "0.000 failed no: the answer commits to nothing",
    );
    let guessing = self::setup(|_| Step::Items(vec!["what is the total".into(), "who".into()]));
    check(
        &guessing,
        "answer_relevancy",
        json!({}),
        &guess,
        &evasive,
        "0.500 passed yes: guessed questions: what is the total | who",
    );
}

#[test]
fn sessions_and_tools() {
    let setup = setup(reader);
    let mut asked = case("en", "{}");
    let mut answer = full_reply();
    check(
        &setup,
        "goal_success",
        json!({}),
        &asked,
        &answer,
        "NotApplicable: the case names no goal",
    );
    asked.goal = Some(Goal {
        text: "know the total".to_owned(),
        assertions: vec!["get_po".to_owned(), "delete_po".to_owned()],
    });
    check(
        &setup,
        "goal_success",
        json!({}),
        &asked,
        &answer,
        "0.000 failed no: 1 of 2 assertions hold; not: delete_po",
    );
    // What was said in the first of two turns counts for the whole session.
    asked.turns = serde_json::from_value(json!([{"input": "thanks", "expected": {}}])).unwrap();
    check_session(
        &setup,
        "goal_success",
        json!({"assertions": ["get_po", "User: thanks", "welcome"]}),
        &asked,
        &[answer.clone(), reply("You are welcome")],
        "1.000 passed yes: 3 of 3 assertions hold",
    );
    answer
        .trajectory
        .as_mut()
        .unwrap()
        .push(call("get_po", r#"{"po_number":"1"}"#));
    for name in ["tool_selection", "tool_parameters"] {
        check(
            &setup,
            name,
            json!({}),
            &asked.turn(0).unwrap(),
            &answer,
            "0.500 failed no: 1 of 2 calls justified; not: get_po {\"po_number\":\"1\"}",
        );
        check(
            &setup,
            name,
            json!({}),
            &asked.turn(0).unwrap(),
            &reply("x"),
            "NotApplicable: the agent called no tool",
        );
    }
}

#[test]
fn turns_of_a_judged_evaluator_keep_their_record() {
    let setup = setup(|_| Step::Choose("yes"));
    let mut asked = case("en", "{}");
    asked.turns = serde_json::from_value(json!([{"input": "thanks", "expected": {}}])).unwrap();
    let evaluator = registry::build("harmfulness", Map::new(), None, &setup).unwrap();
    let evaluation = block_on(evaluate(
        evaluator.as_ref(),
        &asked,
        Ok(&[reply("a"), reply("b")]),
    ));
    assert_eq!(
        (evaluation.value, evaluation.label.as_deref()),
        (Some(0.0), Some("yes"))
    );
    assert_eq!(evaluation.judge.unwrap().calls, 2);
}

#[test]
fn composites() {
    let case = case("en", r#"{"facts":[{"text":"5"}]}"#);
    let setup = setup(|request| {
        Step::Choose(match request.system.rsplit("TASK: ").next() {
            Some("helpfulness") => "neutral",
            Some("harmfulness") => "no",
            _ => "broken",
        })
    });
    let parts = |second: Value| json!([{"name": "helpfulness", "weight": 3}, second]);
    let check = |combine: &str, missing: &str, second: Value, answer: &str, expected: &str| {
        let given = json!({"combine": combine, "missing": missing, "of": parts(second)});
        check(&setup, "composite", given, &case, &reply(answer), expected);
    };
    let facts = json!({"name": "fact_coverage"});
    check(
        "mean",
        "inconclusive",
        facts.clone(),
        "5",
        "0.625 passed yes: helpfulness: 0.500; fact_coverage: 1.000",
    );
    check(
        "min",
        "inconclusive",
        facts.clone(),
        "5",
        "0.500 passed yes: helpfulness: 0.500; fact_coverage: 1.000",
    );
    check(
        "all_of",
        "inconclusive",
        facts.clone(),
        "6",
        "0.000 failed no: helpfulness: 0.500; fact_coverage: 0.000",
    );
    let veto = json!({"name": "fact_coverage", "veto": true});
    check(
        "veto",
        "inconclusive",
        veto.clone(),
        "6",
        "0.000 failed vetoed: helpfulness: 0.500; fact_coverage: 0.000",
    );
    check(
        "veto",
        "inconclusive",
        veto,
        "5",
        "0.500 passed yes: helpfulness: 0.500; fact_coverage: 1.000",
    );
    let broken = json!({"name": "coherence"});
    let why = "coherence: judge m: no verdict on `coherence` in two attempts: it chose “broken”, which is none of not_at_all, mostly_not, partly, mostly, completely";
    check(
        "mean",
        "inconclusive",
        broken.clone(),
        "5",
        &format!("JudgeError: {why}"),
    );
    check(
        "mean",
        "exclude",
        broken.clone(),
        "5",
        &format!(
            "0.500 passed yes: helpfulness: 0.500; {}",
            why.replacen("judge m", "left out, not judged: judge m", 1)
        ),
    );
    check(
        "mean",
        "fail",
        broken,
        "5",
        &format!(
            "0.375 failed no: helpfulness: 0.500; {}",
            why.replacen("judge m", "0, not judged: judge m", 1)
        ),
    );
    let unknown = registry::build(
        "composite",
        options(json!({"of": [{"name": "nobody"}]})),
        None,
        &setup,
    );
    assert_eq!(
        unknown.err().unwrap().message,
        "there is no evaluator `nobody`"
    );
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
