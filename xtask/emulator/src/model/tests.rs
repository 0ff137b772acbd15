//! The models in conversation: with a made-up shop, and with tools of another world.

use super::{
    language,
    profile::{ATLAS, Habit, Profile, SWIFT},
};
use questions::{Question, questions};
use shop::{PROMPT, Talk, ask};

mod behaviour;
mod foreign_tools;
mod lists;
mod questions;
mod shop;
mod tool_selection;

/// A model that makes no mistakes: what the machinery understands, without the draws.
fn flawless() -> Profile {
    let never = Habit {
        plain: 0.0,
        told: 0.0,
    };
    Profile {
        skips_rule: [0.0; 3],
        wrong_language: never,
        wrong_language_insisted: 0.0,
        wrong_tool: never,
        guesses_number: never,
        misreads_number: 0.0,
        skips_tool: 0.0,
        stops_early: 0.0,
        drops_fact: never,
        wrong_field: 0.0,
        rounds_amount: never,
        forgets_currency: never,
        invents: never,
        misses_harm: never,
        obeys_injection: never,
        misjudges: 0.0,
        ..ATLAS
    }
}

/// The mean share of facts, tools and language that are right, and what is wrong in words.
fn grade(question: &Question, talk: &Talk) -> (f64, Vec<String>) {
    let mut wrong = Vec::new();
    let missing: Vec<&&str> = question
        .facts
        .iter()
        .filter(|fact| !talk.answer.contains(**fact))
        .collect();
    let facts = 1.0 - missing.len() as f64 / question.facts.len() as f64;
    if !missing.is_empty() {
        wrong.push(format!("lacks {missing:?}"));
    }
    let called: Vec<&str> = talk
        .calls
        .iter()
        .map(|(name, _)| name.rsplit("___").next().unwrap())
        .collect();
    if called != question.tools {
        wrong.push(format!("called {:?}", talk.calls));
    }
    let language = language::detect(&talk.answer).unwrap_or(question.language);
    if language != question.language {
        wrong.push(format!("speaks {language:?}"));
    }
    let right = |is: bool| if is { 1.0 } else { 0.0 };
    (
        (facts + right(called == question.tools) + right(language == question.language)) / 3.0,
        wrong,
    )
}

#[test]
fn a_flawless_model_answers_every_question() {
    let profile = flawless();
    let questions = questions();
    let mut failures = Vec::new();
    for question in &questions {
        let talk = ask(&profile, PROMPT, question.text);
        let (_, wrong) = grade(question, &talk);
        if !wrong.is_empty() {
            failures.push(format!(
                "{}\n  -> {}\n  {}",
                question.text,
                talk.answer,
                wrong.join("; ")
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{}",
        failures.len(),
        questions.len(),
        failures.join("\n")
    );
}

#[test]
fn the_profiles_differ_as_documented() {
    let questions = questions();
    let quality = |profile: &Profile| {
        let grades = questions
            .iter()
            .map(|question| grade(question, &ask(profile, PROMPT, question.text)).0);
        grades.sum::<f64>() / questions.len() as f64
    };
    let (atlas, swift) = (quality(&ATLAS), quality(&SWIFT));
    assert!((0.98..=1.0).contains(&atlas), "atlas {atlas}");
    assert!((0.6..0.82).contains(&swift), "swift {swift}");
}
