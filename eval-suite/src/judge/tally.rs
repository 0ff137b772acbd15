//! From votes to one label and one value.

use super::choices::{Choice, Choices};

/// The label of votes of which none leads.
const SPLIT: &str = "split";

/// What the votes add up to.
pub(super) struct Tally {
    pub(super) value: f64,
    pub(super) score: f64,
    pub(super) label: String,
    pub(super) reason: String,
    pub(super) agreement: f64,
}

/// Majority label with the votes' mean score; the median score where two labels lead together.
pub(super) fn count(votes: &[Choice], choices: &Choices) -> Tally {
    let times = |word: &str| votes.iter().filter(|vote| vote.label == word).count();
    let most = choices.words().map(times).max().unwrap_or(0);
    let leaders: Vec<&str> = choices.words().filter(|word| times(word) == most).collect();
    let n = votes.len() as f64;
    let (label, score, value) = if let [leader] = leaders.as_slice() {
        let mean = votes.iter().map(|vote| vote.score).sum::<f64>() / n;
        (
            (*leader).to_owned(),
            choices.score(leader).unwrap_or(mean),
            mean,
        )
    } else {
        let median = median(votes);
        (SPLIT.to_owned(), median, median)
    };
    let told = votes
        .iter()
        .find(|vote| vote.label == label)
        .or(votes.first());
    let mut reason = label.clone();
    if let Some(vote) = told.filter(|vote| !vote.reason.is_empty()) {
        reason = format!("{reason}: {}", vote.reason);
    }
    if votes.len() > 1 {
        reason.push_str(&format!(" ({most} of {} votes)", votes.len()));
    }
    Tally {
        value,
        score,
        label,
        reason,
        agreement: most as f64 / n,
    }
}

/// Votes are an odd number, so the median is one of them.
fn median(votes: &[Choice]) -> f64 {
    let mut scores: Vec<f64> = votes.iter().map(|vote| vote.score).collect();
    scores.sort_by(f64::total_cmp);
    scores.get(scores.len() / 2).copied().unwrap_or(f64::NAN)
}
