//! What a judge has to reach before it may gate.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Confusion, Weights, cohen_kappa, gwet_ac1};
use crate::stats::interval::CONFIDENCE;
use crate::stats::undefined::Result;

/// The least a judge has to show on labelled cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requirements {
    /// Labelled cases.
    pub min_cases: usize,
    /// Kappa or AC1, whichever is higher.
    pub min_chance_corrected: f64,
    /// Lower end of the two-sided 95 % Wilson interval of agreement.
    pub min_agreement_low: f64,
    /// Severe errors that are tolerated.
    pub max_severe_errors: u64,
}

impl Default for Requirements {
    fn default() -> Self {
        Self {
            min_cases: 50,
            min_chance_corrected: 0.7,
            min_agreement_low: 0.75,
            max_severe_errors: 0,
        }
    }
}

/// One thing a judge falls short of.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Shortfall {
    /// Too few labelled cases.
    #[error("{have} labelled cases, at least {need} needed")]
    Cases {
        /// Labelled cases.
        have: u64,
        /// What it takes.
        need: usize,
    },
    /// The labels of people are all the same: nothing is known about the other class.
    #[error("people gave every case the same label")]
    OneClass,
    /// Agreement beyond chance is low.
    #[error("kappa {kappa:?} and AC1 {ac1:.3}, one of them has to be at least {need}")]
    ChanceCorrected {
        /// Cohen's kappa, if defined.
        kappa: Option<f64>,
        /// Gwet's AC1.
        ac1: f64,
        /// What it takes.
        need: f64,
    },
    /// Agreement is low, or too uncertain.
    #[error("agreement is at least {have:.3} with 95 % confidence, {need} needed")]
    Agreement {
        /// Lower Wilson bound.
        have: f64,
        /// What it takes.
        need: f64,
    },
    /// Too many severe errors.
    #[error("{have} severe errors, at most {allowed} allowed")]
    Severe {
        /// Severe errors.
        have: u64,
        /// What is allowed.
        allowed: u64,
    },
}

/// What a judge falls short of; empty when it may gate. Rows of the table are people's labels.
///
/// Age and identity of the calibration are the caller's to check. `severe_errors` are labels two or more levels apart
/// ([`Confusion::apart`]) and passes of critical cases people failed.
///
/// # Errors
/// Never for a valid table.
pub fn shortfalls(
    table: &Confusion,
    severe_errors: u64,
    needs: &Requirements,
) -> Result<Vec<Shortfall>> {
    let mut found = Vec::new();
    if table.n() < needs.min_cases as u64 {
        found.push(Shortfall::Cases {
            have: table.n(),
            need: needs.min_cases,
        });
    }
    if table
        .margins()
        .0
        .iter()
        .filter(|share| **share > 0.0)
        .count()
        < 2
    {
        found.push(Shortfall::OneClass);
    }
    let (kappa, ac1) = (
        cohen_kappa(table, Weights::Unweighted).ok(),
        gwet_ac1(table)?,
    );
    if kappa.unwrap_or(f64::NEG_INFINITY).max(ac1) < needs.min_chance_corrected {
        found.push(Shortfall::ChanceCorrected {
            kappa,
            ac1,
            need: needs.min_chance_corrected,
        });
    }
    let low = table.agreement().wilson(CONFIDENCE)?.lo;
    if low < needs.min_agreement_low {
        found.push(Shortfall::Agreement {
            have: low,
            need: needs.min_agreement_low,
        });
    }
    if severe_errors > needs.max_severe_errors {
        found.push(Shortfall::Severe {
            have: severe_errors,
            allowed: needs.max_severe_errors,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: [[u64; 2]; 2], severe: u64) -> Vec<String> {
        let table = Confusion::new(rows.map(|row| row.to_vec()).to_vec()).unwrap();
        shortfalls(&table, severe, &Requirements::default())
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_good_judge_may_gate() {
        assert_eq!(found([[45, 3], [3, 49]], 0), Vec::<String>::new());
        // Kappa collapses under skew; AC1 does not.
        assert_eq!(found([[2, 4], [4, 90]], 0), Vec::<String>::new());
    }

    #[test]
    fn what_is_short() {
        assert_eq!(
            found([[20, 5], [10, 15]], 1),
            [
                "kappa Some(0.3999999999999999) and AC1 0.406, one of them has to be at least 0.7",
                "agreement is at least 0.562 with 95 % confidence, 0.75 needed",
                "1 severe errors, at most 0 allowed",
            ]
        );
        assert_eq!(
            found([[0, 0], [0, 49]], 0),
            [
                "49 labelled cases, at least 50 needed",
                "people gave every case the same label",
            ]
        );
    }
}
