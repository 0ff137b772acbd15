//! The simulated models as judges: they fill in the form of a judge's prompt by comparing its data.
//!
//! A prompt is a judge's when it forces one tool that takes a word of an enumeration (`choice`) or a list of texts
//! (`items`) and names a task or holds data blocks (`sheet`). Texts are compared by their values in three languages, by
//! what they say exists or not, by refusals and negations, and by words where there is nothing else (`passage`, `claim`).
//! What a text under judgement says to the judge is not heard. A task or an enumeration nobody knows is not guessed at:
//! then the tool is not called.
//!
//! How often a profile misjudges is its own number ([`super::Profile`]); what it takes for what is in `scale`.

use serde_json::{Value, json};

use super::{Request, Step, profile::Chance};
use passage::Passage;
use sheet::{Form, Sheet};

mod claim;
mod criteria;
mod lists;
mod passage;
mod quality;
mod scale;
mod sheet;
mod tasks;
mod tool_call;
mod transcript;
mod values;

#[cfg(test)]
mod tests;

/// Most reasons that are given.
const MOST_REASONS: usize = 3;

/// What a task comes to.
#[derive(Debug, Clone)]
struct Verdict {
    /// The word, when the task has words of its own that are no scale.
    word: Option<&'static str>,
    /// From 0, bad, to 1, good, for the task's question.
    mark: f64,
    /// Mark from which a yes/no task is a yes.
    pass: f64,
    reasons: Vec<String>,
}

impl Verdict {
    /// A mark that every ordered scale can take.
    fn mark(mark: f64, reasons: Vec<String>) -> Self {
        Self {
            word: None,
            mark,
            pass: 0.6,
            reasons,
        }
    }

    /// A yes or no.
    fn yes(yes: bool, reason: impl Into<String>) -> Self {
        Self::mark(f64::from(u8::from(yes)), vec![reason.into()])
    }

    /// A word of the task's own.
    fn word(word: &'static str, mark: f64, reasons: Vec<String>) -> Self {
        Self {
            word: Some(word),
            ..Self::mark(mark, reasons)
        }
    }
}

/// What a judge does with a request; none when the request is no judge's prompt.
pub(super) fn step(request: &Request, chance: &Chance<'_>) -> Option<Step> {
    let sheet = match Sheet::read(request)? {
        Ok(sheet) => sheet,
        Err(unreadable) => {
            return Some(Step::Say(format!("I cannot judge this: {}.", unreadable.0)));
        }
    };
    let arguments = match &sheet.form {
        Form::Choice(words) => choose(&sheet, words, chance),
        Form::Items => extract(&sheet, chance),
    };
    Some(match arguments {
        Ok(arguments) => Step::Call(vec![(sheet.tool, arguments)]),
        Err(why) => Step::Say(format!("I cannot judge this: {why}.")),
    })
}

fn choose(sheet: &Sheet, words: &[String], chance: &Chance<'_>) -> Result<Value, String> {
    let verdict = tasks::verdict(sheet)?;
    let own = verdict
        .word
        .filter(|word| words.iter().any(|offered| offered == word));
    let right = own
        .or_else(|| scale::word(words, verdict.mark, verdict.pass))
        .ok_or_else(|| format!("I do not know the choices {}", words.join(", ")))?;
    let choice = scale::drawn(right, words, chance);
    let mut reasons = verdict.reasons;
    if choice != right {
        // A careless judge does not know that it is wrong.
        reasons = vec![format!("On the whole this reads like {choice}.")];
    }
    reasons.truncate(MOST_REASONS);
    Ok(if sheet.reasons {
        json!({"reasons": reasons, "choice": choice})
    } else {
        json!({"choice": choice})
    })
}

fn extract(sheet: &Sheet, chance: &Chance<'_>) -> Result<Value, String> {
    let mut items = lists::items(sheet)?;
    if items.len() > 1 && chance.happens("misjudges", chance.profile.misjudges) {
        items.pop();
    }
    Ok(json!({"items": items}))
}

/// A block that comes from whoever is judged.
fn judged(text: Option<String>) -> Passage {
    Passage::read(&text.unwrap_or_default(), true)
}

/// A block that comes from the evaluation.
fn given(text: Option<String>) -> Passage {
    Passage::read(&text.unwrap_or_default(), false)
}
