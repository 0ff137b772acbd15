//! Whether one text bears out what another says: by value where there are values, by words where there are none.

use super::{
    passage::{self, Passage},
    values::{Sort, Value},
};

/// What a source says of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    Supported,
    Contradicted,
    Absent,
}

/// The result of a comparison.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) stand: Stand,
    /// What was found, each a sentence that names the evidence.
    pub(super) reasons: Vec<String>,
    /// Share of the claim that the source bears out.
    pub(super) share: f64,
}

/// Share of a claim's words that must stand in the source when there is no value to compare.
const ENOUGH_WORDS: f64 = 0.6;

/// Most values that one reason names.
const NAMED_VALUES: usize = 4;

impl Check {
    fn new(stand: Stand, share: f64, reason: impl Into<String>) -> Self {
        Self {
            stand,
            reasons: vec![reason.into()],
            share,
        }
    }
}

/// Compares a claim with a source. What the question named proves nothing, unless the claim holds nothing else.
pub(super) fn check(claim: &Passage, source: &Passage, asked: &Passage) -> Check {
    if source.is_empty() {
        return Check::new(Stand::Absent, 0.0, "There is no text to find it in.");
    }
    let wanted = wanted(claim, asked);
    if claim.says_missing() && wanted.is_empty() {
        return check_missing(source, claim, asked);
    }
    if claim.refuses() && wanted.is_empty() {
        return if source.refuses() {
            Check::new(Stand::Supported, 1.0, "It declines, as it should.")
        } else {
            Check::new(Stand::Contradicted, 0.0, "It should decline and does not.")
        };
    }
    let names: Vec<String> = claim
        .names()
        .into_iter()
        .filter(|name| !asked.has_phrase(name))
        .collect();
    let (here, missing): (Vec<&Value>, Vec<&Value>) =
        wanted.iter().partition(|value| source.states(value));
    let (named, unnamed): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| source.has_phrase(name));
    let all = wanted.len() + names.len();
    if let Some(reason) = opposite(claim, source) {
        return Check::new(Stand::Contradicted, 0.0, reason);
    }
    if all == 0 {
        return check_words(claim, source);
    }
    let share = (here.len() + named.len()) as f64 / all as f64;
    if missing.is_empty() && unnamed.is_empty() {
        let found = list(here.iter().map(|value| value.written.as_str()))
            .into_iter()
            .chain(list(named.iter().map(|name| name.as_str())));
        return Check::new(
            Stand::Supported,
            1.0,
            format!("Found {}.", found.collect::<Vec<_>>().join(" and ")),
        );
    }
    if here.is_empty() && named.is_empty() {
        if source.says_missing() && !claim.says_missing() {
            return Check::new(
                Stand::Contradicted,
                0.0,
                "It says that there is no such record.",
            );
        }
        if source.refuses() {
            return Check::new(Stand::Absent, 0.0, "It declines instead of stating it.");
        }
    }
    for value in &missing {
        if source.mentions(value) {
            let reason = format!("It denies {}.", value.written);
            return Check::new(Stand::Contradicted, share, reason);
        }
        if let Some(other) = rival(value, claim, source, asked) {
            let reason = format!(
                "It says {} where {} is right.",
                other.written, value.written
            );
            return Check::new(Stand::Contradicted, share, reason);
        }
    }
    let rivals = source.names();
    if let (Some(name), Some(other)) = (
        unnamed.first(),
        rivals
            .iter()
            .find(|other| !claim.has_phrase(other) && !asked.has_phrase(other)),
    ) && missing.is_empty()
    {
        let reason = format!("It names {other} where {name} is right.");
        return Check::new(Stand::Contradicted, share, reason);
    }
    let absent = list(missing.iter().map(|value| value.written.as_str()))
        .into_iter()
        .chain(list(unnamed.iter().map(|name| name.as_str())));
    let reason = format!(
        "It does not say {}.",
        absent.collect::<Vec<_>>().join(" or ")
    );
    Check::new(Stand::Absent, share, reason)
}

/// The values of a claim that have to be found.
pub(super) fn wanted(claim: &Passage, asked: &Passage) -> Vec<Value> {
    let hard: Vec<Value> = claim.hard().cloned().collect();
    let fresh: Vec<Value> = hard
        .iter()
        .filter(|value| !asked.mentions(value))
        .cloned()
        .collect();
    if fresh.is_empty() && !claim.says_missing() && !claim.refuses() {
        // Nothing but what was asked: then that has to stand there, unless words say more.
        return if claim.keywords().is_empty() {
            hard
        } else {
            fresh
        };
    }
    // Denied values of a claim are no facts of their own.
    fresh
}

/// Values of a text that neither the other text nor the question has.
pub(super) fn extra<'a>(text: &'a Passage, other: &Passage, asked: &Passage) -> Vec<&'a Value> {
    text.hard()
        .filter(|value| !other.mentions(value) && !asked.mentions(value))
        .collect()
}

/// A value of the same sort that the source gives in place of the wanted one.
fn rival<'a>(
    value: &Value,
    claim: &Passage,
    source: &'a Passage,
    asked: &Passage,
) -> Option<&'a Value> {
    let about = claim.topics(value.sentence);
    extra(source, claim, asked).into_iter().find(|other| {
        if other.sort != value.sort {
            return false;
        }
        // Money is compared with money: a quantity contradicts no amount.
        if value.sort == Sort::Number && has_currency(claim, value) && !has_currency(source, other)
        {
            return false;
        }
        let said = source.topics(other.sentence);
        about.is_empty()
            || said.is_empty()
            || about.iter().any(|topic| said.contains(topic))
            || value.sort != Sort::Number
    })
}

fn has_currency(passage: &Passage, value: &Value) -> bool {
    passage
        .values
        .iter()
        .any(|other| other.sort == Sort::Currency && other.sentence == value.sentence)
}

/// What the two say of the same state, when it is the opposite.
fn opposite(claim: &Passage, source: &Passage) -> Option<String> {
    let said = source.state();
    for (state, side) in claim.state() {
        if said
            .iter()
            .any(|(other, there)| *other == state && *there != side)
        {
            return Some(format!("It says the opposite about the {state}."));
        }
    }
    match (claim.verdict(), source.verdict()) {
        (Some(claim), Some(source)) if claim != source => {
            let word = |yes| if yes { "yes" } else { "no" };
            Some(format!(
                "It says {} where {} is right.",
                word(source),
                word(claim)
            ))
        }
        _ => None,
    }
}

/// A claim that something does not exist.
fn check_missing(source: &Passage, claim: &Passage, asked: &Passage) -> Check {
    if source.says_missing() {
        return Check::new(
            Stand::Supported,
            1.0,
            "It says that there is no such record.",
        );
    }
    let made_up = extra(source, claim, asked);
    match made_up.first() {
        Some(value) if !source.refuses() => Check::new(
            Stand::Contradicted,
            0.0,
            format!(
                "It gives {} for a record that does not exist.",
                value.written
            ),
        ),
        _ => Check::new(
            Stand::Absent,
            0.0,
            "It does not say that the record is missing.",
        ),
    }
}

/// A claim without values: by its words, and by whether one of the two is negated.
fn check_words(claim: &Passage, source: &Passage) -> Check {
    if claim
        .state()
        .iter()
        .any(|state| source.state().contains(state))
    {
        return Check::new(Stand::Supported, 1.0, "It says the same about the state.");
    }
    if let (Some(one), Some(other)) = (claim.verdict(), source.verdict())
        && one == other
    {
        return Check::new(
            Stand::Supported,
            1.0,
            "Both give the same answer to the question.",
        );
    }
    let wanted = claim.keywords();
    let Some(share) = passage::overlap(&wanted, &source.keywords()) else {
        let same = source.has_phrase(&claim.text);
        let stand = if same {
            Stand::Supported
        } else {
            Stand::Absent
        };
        return Check::new(stand, f64::from(u8::from(same)), "Compared word by word.");
    };
    if share < ENOUGH_WORDS {
        let percent = (share * 100.0).round();
        return Check::new(
            Stand::Absent,
            share,
            format!("Only {percent} percent of its words are there."),
        );
    }
    let claim_negated = claim.words.iter().any(|words| passage::negated(words));
    let nearest = source
        .words
        .iter()
        .max_by(|a, b| {
            let near = |words| passage::overlap(&wanted, &passage::keywords(words)).unwrap_or(0.0);
            near(a).total_cmp(&near(b))
        })
        .is_some_and(|words| passage::negated(words));
    if claim_negated != nearest {
        return Check::new(
            Stand::Contradicted,
            0.0,
            "It says the same words with the opposite sense.",
        );
    }
    Check::new(Stand::Supported, share, "It says so in its own words.")
}

/// Up to a few written values, joined.
pub(super) fn list<'a>(written: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = Vec::new();
    for value in written {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    let more = all.len().saturating_sub(NAMED_VALUES);
    all.truncate(NAMED_VALUES);
    let shown = all.join(", ");
    match (shown.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(shown),
        (false, more) => Some(format!("{shown} and {more} more")),
    }
}
