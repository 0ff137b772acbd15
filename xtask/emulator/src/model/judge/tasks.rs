//! What each task asks, and how it is answered.

use super::{
    Verdict,
    claim::{self, Stand},
    criteria, given, judged,
    passage::{self, Passage},
    quality,
    sheet::Sheet,
    tool_call, transcript,
};

/// Judges a sheet.
///
/// # Errors
/// A sentence when the task is unknown or its data are not there.
pub(super) fn verdict(sheet: &Sheet) -> Result<Verdict, String> {
    match sheet.task.as_str() {
        "factuality" => factuality(sheet),
        "fact" => fact(sheet),
        "correctness" => correctness(sheet),
        "closed_qa" | "rubric" => rules(sheet),
        "instruction_following" => instructions(sheet),
        "preference" => preference(sheet),
        "faithfulness" => grounded(sheet, &["FACT", "ASSERTION", "ANSWER"]),
        "context_recall" => grounded(sheet, &["FACT", "ASSERTION", "EXPECTED", "ANSWER"]),
        "context_precision" => context_precision(sheet),
        "goal" => goal(sheet),
        "helpfulness" => quality::helpfulness(sheet),
        "coherence" => quality::coherence(sheet),
        "relevance" => quality::relevance(sheet),
        "conciseness" => quality::conciseness(sheet),
        "harmfulness" => quality::harmfulness(sheet),
        "stereotyping" => quality::stereotyping(sheet),
        "refusal" => quality::refusal(sheet),
        "tool_selection" => tool_call::tool_selection(sheet),
        "tool_parameters" => tool_call::tool_parameters(sheet),
        // A task without a name, but with all that a comparison needs.
        "" if sheet.has("ANSWER") && sheet.has("CRITERIA") => rules(sheet),
        "" if sheet.has("ANSWER") && sheet.has("EXPECTED") => correctness(sheet),
        "" => Err("the prompt names no task".to_owned()),
        other => Err(format!("I do not know the task {other}")),
    }
}

/// A block that must be there, empty or not.
pub(super) fn need(sheet: &Sheet, name: &str) -> Result<String, String> {
    if !sheet.has(name) {
        return Err(format!("the block {name} is not there"));
    }
    Ok(sheet.text(name).unwrap_or_default())
}

/// What is judged: the answer, or the transcript it stands in.
pub(super) fn answer(sheet: &Sheet) -> Result<Passage, String> {
    if sheet.has("ANSWER") {
        return Ok(judged(sheet.text("ANSWER")));
    }
    let transcript = need(sheet, "TRANSCRIPT")?;
    Ok(judged(Some(transcript::said_by_agent(&transcript))))
}

pub(super) fn question(sheet: &Sheet) -> Passage {
    given(sheet.text("QUESTION"))
}

/// How the answer's facts relate to the expected ones.
fn factuality(sheet: &Sheet) -> Result<Verdict, String> {
    let (answer, asked) = (answer(sheet)?, question(sheet));
    let expected = given(Some(need(sheet, "EXPECTED")?));
    let found = claim::check(&expected, &answer, &asked);
    let mut reasons = found.reasons.clone();
    if found.stand == Stand::Contradicted {
        if claim::wanted(&expected, &asked).iter().any(|value| {
            !answer.states(value) && answer.values.iter().any(|other| other.rounds(value))
        }) {
            reasons.push("The difference is one of rounding.".to_owned());
            return Ok(Verdict::word("immaterial", 1.0, reasons));
        }
        return Ok(Verdict::word("contradiction", 0.0, reasons));
    }
    if answer.is_empty() || answer.refuses() && found.share == 0.0 {
        // To say nothing is to leave something out; only a denial contradicts.
        reasons.push("The answer gives none of the expected facts.".to_owned());
        return Ok(Verdict::word("subset", 0.0, reasons));
    }
    let extra = claim::list(
        claim::extra(&answer, &expected, &asked)
            .iter()
            .map(|value| value.written.as_str()),
    );
    match (found.stand, extra) {
        (Stand::Supported, None) if differs_in_form(&expected, &answer) => {
            reasons.push("The answer says more without stating further facts.".to_owned());
            Ok(Verdict::word("immaterial", 1.0, reasons))
        }
        (Stand::Supported, None) => Ok(Verdict::word("same", 1.0, reasons)),
        (Stand::Supported, Some(extra)) => {
            reasons.push(format!("The answer also states {extra}."));
            Ok(Verdict::word("superset", 0.8, reasons))
        }
        _ if found.share > 0.0 || claim::wanted(&expected, &asked).is_empty() => {
            Ok(Verdict::word("subset", found.share, reasons))
        }
        (_, Some(extra)) => {
            reasons.push(format!("It states {extra} instead."));
            Ok(Verdict::word("contradiction", 0.0, reasons))
        }
        (_, None) => Ok(Verdict::word("subset", 0.0, reasons)),
    }
}

/// Sentences that hold no value of their own and are more than a courtesy: talk, not facts.
fn differs_in_form(expected: &Passage, answer: &Passage) -> bool {
    let talk = answer
        .words
        .iter()
        .enumerate()
        .filter(|(number, words)| {
            !words.is_empty() && !answer.values.iter().any(|value| value.sentence == *number)
        })
        .count();
    talk > 0 && answer.sentences.len() > expected.sentences.len() && !expected.values.is_empty()
}

fn fact(sheet: &Sheet) -> Result<Verdict, String> {
    let fact = given(Some(need(sheet, "FACT")?));
    let found = claim::check(&fact, &answer(sheet)?, &question(sheet));
    let (word, mark) = match found.stand {
        Stand::Supported => ("supported", 1.0),
        Stand::Contradicted => ("contradicted", 0.0),
        Stand::Absent => ("absent", 0.0),
    };
    Ok(Verdict::word(word, mark, found.reasons))
}

fn correctness(sheet: &Sheet) -> Result<Verdict, String> {
    let Some(reference) = sheet.first(&["EXPECTED", "FACT", "ASSERTION", "CONTEXT"]) else {
        return quality::plausible(sheet);
    };
    let (answer, asked) = (answer(sheet)?, question(sheet));
    let found = claim::check(&given(Some(reference)), &answer, &asked);
    let mark = match found.stand {
        Stand::Supported => 1.0,
        _ if found.share > 0.0 => 0.5,
        _ => 0.0,
    };
    Ok(Verdict::mark(mark, found.reasons))
}

/// What the question says about the form of its answer, and the criteria if there are any.
fn instructions(sheet: &Sheet) -> Result<Verdict, String> {
    let (answer, asked) = (answer(sheet)?, question(sheet));
    let rules: Vec<String> = [Some(criteria::explicit(&asked)), sheet.text("CRITERIA")]
        .into_iter()
        .flatten()
        .filter(|rules| !rules.is_empty())
        .collect();
    if rules.is_empty() {
        return Ok(Verdict::yes(
            true,
            "There is no instruction about the form of the answer.",
        ));
    }
    Ok(criteria::all(&rules.join("\n"), &answer, &asked))
}

/// Criteria and rubrics: each must hold.
fn rules(sheet: &Sheet) -> Result<Verdict, String> {
    let rules = sheet
        .first(&["CRITERIA", "ASSERTION", "EXPECTED"])
        .ok_or("there is nothing to judge by")?;
    let (answer, asked) = (answer(sheet)?, question(sheet));
    Ok(criteria::all(&rules, &answer, &asked))
}

/// Whether every sentence of a text is borne out by the context.
fn grounded(sheet: &Sheet, names: &[&str]) -> Result<Verdict, String> {
    let text = sheet.first(names).ok_or("there is no statement")?;
    let source = ["CONTEXT", "TRANSCRIPT"]
        .into_iter()
        .find(|name| sheet.has(name))
        .ok_or("there is no context")?;
    let context = transcript::with_counts(&sheet.text(source).unwrap_or_default());
    let (text, asked) = (judged(Some(text)), question(sheet));
    let mut borne_out = 0_usize;
    let mut reasons = Vec::new();
    let mut all = 0_usize;
    for (sentence, words) in text.sentences.iter().zip(&text.words) {
        if words.is_empty() || passage::is_courtesy(words) {
            continue;
        }
        all += 1;
        let claim = Passage::read(sentence, true);
        let found = claim::check(&claim, &context, &asked);
        let vague = found.stand == Stand::Absent
            && claim::wanted(&claim, &asked).is_empty()
            && claim.names().is_empty()
            && same_subject(&claim, &context);
        if found.stand == Stand::Supported || vague {
            borne_out += 1;
        } else {
            reasons.splice(0..0, found.reasons);
        }
    }
    if all == 0 {
        return Ok(Verdict::mark(
            1.0,
            vec!["There is no statement that could be wrong.".to_owned()],
        ));
    }
    if reasons.is_empty() {
        reasons.push("Every value of it stands in the context.".to_owned());
    }
    let mut verdict = Verdict::mark(borne_out as f64 / all as f64, reasons);
    verdict.pass = 1.0;
    Ok(verdict)
}

/// Words across languages hardly ever match; the subject does.
fn same_subject(claim: &Passage, context: &Passage) -> bool {
    let foreign = claim.language.is_some() && claim.language != context.language;
    let topics = claim.topics(0);
    foreign
        && !topics.is_empty()
        && (0..context.sentences.len()).any(|sentence| {
            context
                .topics(sentence)
                .iter()
                .any(|topic| topics.contains(topic))
        })
}

/// Whether a piece of context helps to the expected answer.
fn context_precision(sheet: &Sheet) -> Result<Verdict, String> {
    let context = transcript::with_counts(&need(sheet, "CONTEXT")?);
    let expected = sheet
        .first(&["EXPECTED", "FACT", "ANSWER", "QUESTION"])
        .ok_or("there is no answer")?;
    let (expected, asked) = (given(Some(expected)), question(sheet));
    let wanted = claim::wanted(&expected, &asked);
    let found = claim::list(
        wanted
            .iter()
            .filter(|value| context.mentions(value))
            .map(|value| value.written.as_str()),
    )
    .or_else(|| {
        let names = expected.names();
        let found = names.iter().find(|name| context.has_phrase(name))?;
        Some(found.clone())
    });
    Ok(match found {
        Some(found) => Verdict::yes(true, format!("The context holds {found}.")),
        None if wanted.is_empty() => {
            let share = passage::overlap(&expected.keywords(), &context.keywords()).unwrap_or(0.0);
            Verdict::yes(
                share >= 0.5,
                "Compared by their words: there is no value to look for.",
            )
        }
        None => Verdict::yes(false, "The context holds no value of the answer."),
    })
}

/// Whether the conversation reached its goal.
fn goal(sheet: &Sheet) -> Result<Verdict, String> {
    let rules = sheet
        .first(&["ASSERTION", "CRITERIA", "GOAL"])
        .ok_or("there is no goal")?;
    let asked = question(sheet);
    let answer = if sheet.has("TRANSCRIPT") {
        judged(
            sheet
                .text("TRANSCRIPT")
                .map(|text| transcript::happened(&text)),
        )
    } else {
        answer(sheet)?
    };
    if answer.is_empty() {
        return Ok(Verdict::yes(false, "The agent said nothing."));
    }
    let mut verdict = criteria::all(&rules, &answer, &asked);
    verdict.pass = 1.0;
    Ok(verdict)
}

/// Which of two answers is better: the order in which they are shown does not count.
fn preference(sheet: &Sheet) -> Result<Verdict, String> {
    let asked = question(sheet);
    let expected = sheet
        .first(&["EXPECTED", "FACT"])
        .map(|text| given(Some(text)));
    let weigh = |name: &str| -> Result<f64, String> {
        let answer = judged(Some(need(sheet, name)?));
        Ok(quality::worth(
            &answer,
            &asked,
            expected.as_ref(),
            sheet.text("CRITERIA").as_deref(),
        ))
    };
    let (first, second) = (weigh("FIRST")?, weigh("SECOND")?);
    let reason = format!("Weighed {first:.2} for the first and {second:.2} for the second.");
    let word = match first.total_cmp(&second) {
        _ if (first - second).abs() < 0.05 => "tie",
        std::cmp::Ordering::Greater => "first",
        _ => "second",
    };
    Ok(Verdict::word(
        word,
        if word == "second" { 0.0 } else { 1.0 },
        vec![reason],
    ))
}
