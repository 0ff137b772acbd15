//! How far a judge can be trusted: S9 against people's labels, kept as a file that a gate can ask for.
//!
//! A calibration belongs to one identity: evaluator, model, prompt, choices and decoding. Whatever of these changes, the
//! old calibration says nothing about the new judge.

mod file;

use serde::{Deserialize, Serialize};

use crate::stats::agreement::{
    BinaryJudge, Confusion, Requirements, Weights, cohen_kappa, gwet_ac1, repeatability, shortfalls,
};
use crate::stats::corrected::{Corrected, Proportion, rogan_gladen};
use crate::stats::rate::Rate;
use crate::stats::undefined::Undefined;

pub use file::{CalibrationError, current};

/// Schema of the file.
pub const CALIBRATION_VERSION: u32 = 1;

/// Least share of pairs judged alike in both orders.
const MIN_ORDER_CONSISTENCY: f64 = 0.8;

/// One labelled row and what the judge made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Whether people pass the answer.
    pub human_passes: bool,
    /// The word people chose, where they chose a word.
    pub human_label: Option<String>,
    /// Whether letting this answer pass by mistake does harm.
    pub critical: bool,
    /// The judge's verdict; `None` when there was none.
    pub judged: Option<Judged>,
}

/// The judge's verdict on a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Whether it passes the answer.
    pub passes: bool,
    /// The word it chose.
    pub label: String,
    /// Each vote's word.
    pub votes: Vec<String>,
}

/// The words people and judge chose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// In order, the least first where they are levels.
    pub words: Vec<String>,
    /// Whether they are levels of one thing, so that two apart is worse than one.
    pub ordinal: bool,
}

/// A share with its 95 % Wilson interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Successes.
    pub of: usize,
    /// Trials.
    pub n: usize,
    /// The share; absent without trials.
    pub value: Option<f64>,
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

impl From<Rate> for Share {
    fn from(rate: Rate) -> Self {
        let interval = crate::stats::wilson(rate.successes, rate.n);
        Self {
            of: rate.successes,
            n: rate.n,
            value: rate.value().ok(),
            lo: interval.lo,
            hi: interval.hi,
        }
    }
}

/// Agreement word by word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WordAgreement {
    /// The words, in order.
    pub words: Vec<String>,
    /// `counts[i][j]`: people chose word i, the judge word j.
    pub counts: Confusion,
    /// Rows with the same word.
    pub agreement: Share,
    /// Cohen's kappa; absent where it is undefined.
    pub kappa: Option<f64>,
    /// Kappa with quadratic weights, for levels.
    pub kappa_quadratic: Option<f64>,
    /// Gwet's AC1.
    pub ac1: Option<f64>,
}

/// Votes on the same row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoteAgreement {
    /// Rows whose votes are all the same.
    pub unanimous: Share,
    /// Mean share of pairs of votes that agree.
    pub pairwise: f64,
}

/// What was calibrated, with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The evaluator.
    pub evaluator: String,
    /// Its identity with this judge.
    pub identity: String,
    /// The judge's model.
    pub model_id: String,
    /// The labelled data: the file's name, without its folder.
    pub data: String,
    /// SHA-256 of the file, in hex.
    pub data_sha256: String,
    /// When, RFC 3339 in UTC.
    pub made_at: String,
}

/// A judge measured against people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// [`CALIBRATION_VERSION`].
    pub version: u32,
    /// What was calibrated.
    #[serde(flatten)]
    pub subject: Subject,
    /// Labelled rows.
    pub rows: usize,
    /// Rows the judge gave no verdict on.
    pub unjudged: usize,
    /// Pass and fail, people against the judge.
    pub pass_fail: BinaryJudge,
    /// Rows on which both pass or both fail.
    pub agreement: Share,
    /// Cohen's kappa on pass and fail; absent where it is undefined.
    pub kappa: Option<f64>,
    /// Gwet's AC1 on pass and fail.
    pub ac1: Option<f64>,
    /// Share of good answers the judge passes.
    pub sensitivity: Share,
    /// Share of bad answers the judge fails.
    pub specificity: Share,
    /// Critical answers people fail and the judge passes, and those two or more levels too high.
    pub severe_false_passes: u64,
    /// Word by word, where people chose words.
    pub words: Option<WordAgreement>,
    /// Where there was more than one vote a row.
    pub repeatability: Option<VoteAgreement>,
    /// Pairs judged alike in both orders, for pairwise judges.
    pub order_consistency: Option<Share>,
    /// Why this judge may not gate; empty when it may.
    pub shortfalls: Vec<String>,
}

impl Calibration {
    /// Measures the judge by these rows.
    ///
    /// # Errors
    /// When no row has a verdict: then there is nothing to measure.
    pub fn measure(
        subject: Subject,
        outcomes: &[Outcome],
        words: Option<&Words>,
        needs: &Requirements,
    ) -> Result<Self, Undefined> {
        let judged: Vec<(&Outcome, &Judged)> = outcomes
            .iter()
            .filter_map(|outcome| Some((outcome, outcome.judged.as_ref()?)))
            .collect();
        let unjudged = outcomes.len() - judged.len();
        let pass_fail = BinaryJudge::from_pairs(
            judged
                .iter()
                .map(|(row, judged)| (row.human_passes, judged.passes)),
        );
        let table = pass_fail.confusion()?;
        let levels = words.filter(|words| words.ordinal);
        let severe = judged
            .iter()
            .filter(|(row, judged)| is_severe(row, judged, levels))
            .count() as u64;
        let votes: Vec<Vec<&String>> = judged
            .iter()
            .map(|(_, judged)| judged.votes.iter().collect())
            .collect();
        let order = judged
            .iter()
            .any(|(_, judged)| judged.label == "inconsistent")
            .then(|| consistency(&judged));
        let order = order.or_else(|| {
            (words.is_some_and(|words| words.words.iter().any(|word| word == "tie")))
                .then(|| consistency(&judged))
        });
        let mut short: Vec<String> = shortfalls(&table, severe, needs)?
            .iter()
            .map(ToString::to_string)
            .collect();
        if unjudged > 0 {
            short.push(format!(
                "{unjudged} of {} rows got no verdict",
                outcomes.len()
            ));
        }
        if let Some(order) = &order
            && order.value.unwrap_or(0.0) < MIN_ORDER_CONSISTENCY
        {
            short.push(format!(
                "{} of {} pairs are judged alike in both orders, {MIN_ORDER_CONSISTENCY} needed",
                order.of, order.n
            ));
        }
        Ok(Self {
            version: CALIBRATION_VERSION,
            subject,
            rows: outcomes.len(),
            unjudged,
            pass_fail,
            agreement: table.agreement().into(),
            kappa: cohen_kappa(&table, Weights::Unweighted).ok(),
            ac1: gwet_ac1(&table).ok(),
            sensitivity: pass_fail.sensitivity().into(),
            specificity: pass_fail.specificity().into(),
            severe_false_passes: severe,
            words: words.and_then(|words| word_by_word(&judged, words)),
            // Two orders of a pair are no votes on the same thing.
            repeatability: (order.is_none())
                .then(|| repeatability(&votes).ok())
                .flatten()
                .map(|found| VoteAgreement {
                    unanimous: found.unanimous.into(),
                    pairwise: found.pairwise,
                }),
            order_consistency: order,
            shortfalls: short,
        })
    }

    /// Whether the judge may gate.
    pub fn is_fit(&self) -> bool {
        self.shortfalls.is_empty()
    }

    /// The true pass rate behind a rate this judge reports, with the calibration's own uncertainty in its error.
    ///
    /// # Errors
    /// When the judge is no better than chance, or the calibration lacks one of the classes.
    pub fn corrected(&self, apparent: Rate) -> Result<Corrected, Undefined> {
        let of = |rate: Rate| {
            Ok(Proportion {
                rate: rate.value()?,
                n: rate.n as f64,
            })
        };
        rogan_gladen(
            of(apparent)?,
            of(self.pass_fail.sensitivity())?,
            of(self.pass_fail.specificity())?,
        )
    }
}

fn is_severe(row: &Outcome, judged: &Judged, levels: Option<&Words>) -> bool {
    if row.human_passes || !judged.passes {
        return false;
    }
    let level = |word: &String| levels?.words.iter().position(|known| known == word);
    let too_high = row
        .human_label
        .as_ref()
        .and_then(level)
        .zip(level(&judged.label))
        .is_some_and(|(human, judge)| judge >= human + 2);
    row.critical || too_high
}

fn consistency(judged: &[(&Outcome, &Judged)]) -> Share {
    Share::from(Rate {
        successes: judged
            .iter()
            .filter(|(_, judged)| judged.label != "inconsistent")
            .count(),
        n: judged.len(),
    })
}

/// `None` unless people gave every row a word; a judge's word that is none of them (`split`) is left out.
fn word_by_word(judged: &[(&Outcome, &Judged)], words: &Words) -> Option<WordAgreement> {
    let at = |word: &String| words.words.iter().position(|known| known == word);
    if judged.iter().any(|(row, _)| row.human_label.is_none()) {
        return None;
    }
    let pairs: Vec<(usize, usize)> = judged
        .iter()
        .filter_map(|(row, judged)| Some((at(row.human_label.as_ref()?)?, at(&judged.label)?)))
        .collect();
    let counts = Confusion::from_pairs(words.words.len(), &pairs).ok()?;
    Some(WordAgreement {
        words: words.words.clone(),
        agreement: counts.agreement().into(),
        kappa: cohen_kappa(&counts, Weights::Unweighted).ok(),
        kappa_quadratic: words
            .ordinal
            .then(|| cohen_kappa(&counts, Weights::Quadratic).ok())
            .flatten(),
        ac1: gwet_ac1(&counts).ok(),
        counts,
    })
}

#[cfg(test)]
mod tests;
