//! One answer at a time: relations, facts, criteria, levels, safety.

use super::*;

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
    let nothing = crate::evaluator::testing::case("en", r#"{"facts":[]}"#);
    check(
        &same,
        "factuality",
        json!({}),
        &nothing,
        &answer,
        "MissingReference: there is nothing given as `expected`",
    );
    let refused = crate::evaluator::testing::case("en", r#"{"must_refuse":true}"#);
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
    let refuse = crate::evaluator::testing::case("en", r#"{"must_refuse":true}"#);
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
