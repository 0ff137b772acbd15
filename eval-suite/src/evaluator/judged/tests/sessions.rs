//! What the agent read and called, whole sessions, and composites.

use super::*;

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
