//! From a paired comparison, with all that can be wrong with it, to a verdict.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{NonInferiority, Verdict, non_inferiority, verdict_of};
use crate::stats::interval::{Interval, ONE_SIDED_CONFIDENCE, two_sided};
use crate::stats::mean::{MeanEstimate, cluster_sums, clustered_mean};
use crate::stats::paired::sign_flip;
use crate::stats::paired_binary::score_interval_of_sums;
use crate::stats::power::{Design, minimum_detectable_of};
use crate::stats::undefined::Result;

/// With fewer units that differ at all, a t interval knows too little of the spread to show that nothing got worse.
pub const SPARSE: usize = 10;

/// What a planned question without a result does. It never disappears, and never leaves room for a PASS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingResults {
    /// The verdict is INCONCLUSIVE.
    #[default]
    Inconclusive,
    /// The verdict is REGRESSED.
    Fail,
}

/// How a comparison is judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// How much worse head may be, in units of the score.
    pub margin: f64,
    /// Confidence of each one-sided bound.
    pub confidence: f64,
    /// With fewer questions the verdict is INCONCLUSIVE.
    pub min_questions: usize,
    /// What missing results do.
    pub missing: MissingResults,
}

impl Rules {
    /// 95 % one-sided, at least 10 questions, missing results are inconclusive.
    pub fn with_margin(margin: f64) -> Self {
        Self {
            margin,
            confidence: ONE_SIDED_CONFIDENCE,
            min_questions: 10,
            missing: MissingResults::default(),
        }
    }
}

/// Two arms on the same questions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison<'a> {
    /// Head minus base of each question both arms have a score for.
    pub differences: &'a [f64],
    /// What belongs together (facts of one question, paraphrases of one task); `None` when questions are independent.
    pub clusters: Option<&'a [usize]>,
    /// Planned questions without a result in either arm.
    pub missing: usize,
    /// Why the arms cannot be compared at all: another dataset, another judge.
    pub mismatch: Option<&'a str>,
}

/// Why a verdict is what it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Worse by less than the margin, if at all.
    NonInferior,
    /// Worse, but by less than the margin.
    WorseWithinMargin,
    /// Worse.
    Worse,
    /// Neither shown.
    NotShown,
    /// The t interval and the sign-flip test say different things.
    TestsDisagree {
        /// What the t interval says.
        t: Verdict,
        /// What the sign-flip test says.
        sign_flip: Verdict,
    },
    /// Both tests say non-inferior, but nearly all questions agree, and the score bound still allows a regression by the
    /// margin.
    TooFewDiffer {
        /// Units (questions or clusters) that differ.
        differ: usize,
        /// One-sided lower score bound of the difference.
        lower: f64,
    },
    /// Planned questions have no result.
    Missing(usize),
    /// Too few questions to judge.
    TooFewQuestions {
        /// Questions compared.
        have: usize,
        /// What it takes.
        need: usize,
    },
    /// The arms cannot be compared.
    Mismatch(String),
    /// The statistic does not exist for these data or rules.
    Undefined(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonInferior => f.write_str("not worse than the margin allows"),
            Self::WorseWithinMargin => f.write_str("real but smaller than the margin"),
            Self::Worse => f.write_str("worse than the baseline"),
            Self::NotShown => f.write_str("neither non-inferior nor worse is shown"),
            Self::TestsDisagree { t, sign_flip } => write!(
                f,
                "the t interval says {t}, the sign-flip test says {sign_flip}"
            ),
            Self::TooFewDiffer { differ, lower } => write!(
                f,
                "only {differ} questions differ; the true difference may still be {lower:.3}"
            ),
            Self::Missing(n) => write!(f, "{n} planned questions have no result"),
            Self::TooFewQuestions { have, need } => {
                write!(f, "{have} questions compared, at least {need} needed")
            }
            Self::Mismatch(what) | Self::Undefined(what) => f.write_str(what),
        }
    }
}

/// A verdict with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Questions compared.
    pub questions: usize,
    /// Mean difference head minus base.
    pub mean: Option<f64>,
    /// One-sided bounds of the difference.
    pub bounds: Option<Interval>,
    /// T test of "head is worse by the margin or more".
    pub p_non_inferior: Option<f64>,
    /// T test of "head is not worse".
    pub p_worse: Option<f64>,
    /// Sign-flip test of "head is worse by the margin or more".
    pub sign_flip_p_non_inferior: Option<f64>,
    /// Sign-flip test of "head is not worse".
    pub sign_flip_p_worse: Option<f64>,
    /// The smallest true difference this suite shows with 80 % power, two-sided 5 %; `None` when all differences are
    /// equal.
    pub minimum_detectable: Option<f64>,
}

/// Judges head against base by S5. The t bounds and the sign-flip test, each of "worse by the margin or more" and of
/// "not worse", have to agree; otherwise, and whenever the evidence is not complete, the verdict is INCONCLUSIVE.
///
/// The sign-flip test turns whole clusters, of d + margin for the first question and of d for the second.
///
/// Neither knows much when nearly all questions agree: with a true regression by a margin of 5 points and losses only,
/// 20 questions show no loss at all in a third of the runs, and a t interval of zeros has no width. So a PASS with
/// yes/no outcomes, or with fewer than [`SPARSE`] units that differ, also needs the lower score bound (Tango 1998) of
/// the difference above -margin. For other scores in 0..=1 that bound is conservative.
pub fn decide(comparison: &Comparison<'_>, rules: &Rules) -> Decision {
    let measured = Measured::of(comparison, rules);
    let known = measured.as_ref().ok();
    let questions = comparison.differences.len();
    let (verdict, reason) = if let Some(what) = comparison.mismatch {
        (Verdict::Inconclusive, Reason::Mismatch(what.to_owned()))
    } else if comparison.missing > 0 {
        let verdict = match rules.missing {
            MissingResults::Inconclusive => Verdict::Inconclusive,
            MissingResults::Fail => Verdict::Regressed,
        };
        (verdict, Reason::Missing(comparison.missing))
    } else if questions < rules.min_questions {
        let reason = Reason::TooFewQuestions {
            have: questions,
            need: rules.min_questions,
        };
        (Verdict::Inconclusive, reason)
    } else {
        match &measured {
            Err(undefined) => (
                Verdict::Inconclusive,
                Reason::Undefined(undefined.to_string()),
            ),
            Ok(measured) => measured.verdict(),
        }
    };
    Decision {
        verdict,
        reason,
        questions,
        mean: known.map(|measured| measured.estimate.mean),
        bounds: known.map(|measured| measured.t.bounds),
        p_non_inferior: known.map(|measured| measured.t.p_non_inferior),
        p_worse: known.map(|measured| measured.t.p_worse),
        sign_flip_p_non_inferior: known.map(|measured| measured.flip_non_inferior),
        sign_flip_p_worse: known.map(|measured| measured.flip_worse),
        minimum_detectable: known
            .and_then(|known| minimum_detectable_of(&known.estimate, Design::DIFFERENCE).ok()),
    }
}

struct Measured {
    estimate: MeanEstimate,
    t: NonInferiority,
    flip_non_inferior: f64,
    flip_worse: f64,
    /// Units that differ and the lower score bound, where that bound has a say.
    sparse: Option<(usize, f64)>,
    rules: Rules,
}

impl Measured {
    fn of(comparison: &Comparison<'_>, rules: &Rules) -> Result<Self> {
        let alone: Vec<usize>;
        let clusters = if let Some(clusters) = comparison.clusters {
            clusters
        } else {
            alone = (0..comparison.differences.len()).collect();
            &alone
        };
        let estimate = clustered_mean(comparison.differences, clusters)?;
        let t = non_inferiority(&estimate, rules.margin, rules.confidence)?;
        let above_margin: Vec<f64> = comparison
            .differences
            .iter()
            .map(|d| d + rules.margin)
            .collect();
        let sums = cluster_sums(comparison.differences, clusters)?;
        Ok(Self {
            estimate,
            t,
            flip_non_inferior: sign_flip(&cluster_sums(&above_margin, clusters)?).greater,
            flip_worse: sign_flip(&sums).less,
            sparse: sparse(&sums, comparison.differences, rules.confidence)?,
            rules: *rules,
        })
    }

    fn verdict(&self) -> (Verdict, Reason) {
        let alpha = 1.0 - self.rules.confidence;
        let by_flip = verdict_of(self.flip_non_inferior <= alpha, self.flip_worse <= alpha);
        if self.t.verdict != by_flip {
            let reason = Reason::TestsDisagree {
                t: self.t.verdict,
                sign_flip: by_flip,
            };
            return (Verdict::Inconclusive, reason);
        }
        let reason = match (by_flip, self.sparse) {
            (Verdict::Pass, Some((differ, lower))) if lower <= -self.rules.margin => {
                return (
                    Verdict::Inconclusive,
                    Reason::TooFewDiffer { differ, lower },
                );
            }
            (Verdict::Pass, _) if self.t.bounds.hi < 0.0 => Reason::WorseWithinMargin,
            (Verdict::Pass, _) => Reason::NonInferior,
            (Verdict::Regressed, _) => Reason::Worse,
            (Verdict::Inconclusive, _) => Reason::NotShown,
        };
        (by_flip, reason)
    }
}

/// The lower score bound where it has a say: scores in 0..=1 that are yes/no, or few units that differ.
fn sparse(sums: &[f64], differences: &[f64], confidence: f64) -> Result<Option<(usize, f64)>> {
    let units = sums.len();
    let per_unit = differences.len() as f64 / units as f64;
    let differ = sums.iter().filter(|sum| **sum != 0.0).count();
    let yes_no =
        units == differences.len() && differences.iter().all(|d| d.abs() == 1.0 || *d == 0.0);
    let scores = differences.iter().all(|d| d.abs() <= 1.0);
    if !scores || !(yes_no || differ < SPARSE) {
        return Ok(None);
    }
    let total = |sign: f64| sums.iter().map(|sum| (sign * sum).max(0.0)).sum::<f64>() / per_unit;
    let interval =
        score_interval_of_sums(total(1.0), total(-1.0), units as f64, two_sided(confidence))?;
    Ok(Some((differ, interval.lo)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(differences: &[f64]) -> (Verdict, String) {
        decided_by(differences, &Rules::with_margin(0.05))
    }

    fn decided_by(differences: &[f64], rules: &Rules) -> (Verdict, String) {
        let decision = decide(&plain(differences), rules);
        (decision.verdict, decision.reason.to_string())
    }

    fn plain(differences: &[f64]) -> Comparison<'_> {
        Comparison {
            differences,
            clusters: None,
            missing: 0,
            mismatch: None,
        }
    }

    /// Small differences either way around a mean.
    fn around(mean: f64, n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| mean + 0.05 * ((i % 5) as f64 - 2.0))
            .collect()
    }

    #[test]
    fn verdicts() {
        let (verdict, reason) = decided(&around(0.01, 40));
        assert_eq!(
            (verdict, &*reason),
            (Verdict::Pass, "not worse than the margin allows")
        );
        let (verdict, reason) = decided(&around(-0.025, 60));
        assert_eq!(
            (verdict, &*reason),
            (Verdict::Pass, "real but smaller than the margin")
        );
        let (verdict, reason) = decided(&around(-0.2, 40));
        assert_eq!(
            (verdict, &*reason),
            (Verdict::Regressed, "worse than the baseline")
        );
        let (verdict, reason) = decided(&around(-0.02, 15));
        assert_eq!(verdict, Verdict::Inconclusive, "{reason}");
    }

    #[test]
    fn incomplete_evidence() {
        let good = around(0.01, 40);
        let rules = Rules::with_margin(0.05);
        let missing = Comparison {
            missing: 1,
            ..plain(&good)
        };
        let decision = decide(&missing, &rules);
        assert_eq!(decision.verdict, Verdict::Inconclusive);
        assert_eq!(
            decision.reason.to_string(),
            "1 planned questions have no result"
        );
        assert!(decision.mean.is_some(), "what is known is still told");
        let strict = Rules {
            missing: MissingResults::Fail,
            ..rules
        };
        assert_eq!(decide(&missing, &strict).verdict, Verdict::Regressed);

        let mismatch = Comparison {
            mismatch: Some("the arms had different judges"),
            ..plain(&good)
        };
        let decision = decide(&mismatch, &strict);
        assert_eq!(decision.verdict, Verdict::Inconclusive);
        assert_eq!(decision.reason.to_string(), "the arms had different judges");

        let (verdict, reason) = decided(&good[..9]);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert_eq!(reason, "9 questions compared, at least 10 needed");
        assert_eq!(decided(&[]).0, Verdict::Inconclusive);
        let (verdict, reason) = decided(&[&good[..], &[f64::NAN]].concat());
        assert_eq!(verdict, Verdict::Inconclusive, "{reason}");
        let (verdict, reason) = decided_by(&good, &Rules::with_margin(0.0));
        assert_eq!(verdict, Verdict::Inconclusive);
        assert_eq!(reason, "the margin is 0, expected a number above 0");
    }

    #[test]
    fn few_questions_that_differ_show_little() {
        let (verdict, reason) = decided(&[0.0; 20]);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert_eq!(
            reason,
            "only 0 questions differ; the true difference may still be -0.119"
        );
        assert_eq!(decided(&[0.0; 60]).0, Verdict::Pass);
        // One loss in sixty: a t interval reaches down to -0.045 only.
        let one_loss = [vec![0.0; 59], vec![-1.0]].concat();
        let (verdict, reason) = decided(&one_loss);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert!(reason.starts_with("only 1 questions differ"), "{reason}");
        // Scores on another scale have no such bound.
        assert_eq!(
            decided_by(&[0.0; 20], &Rules::with_margin(2.0)).0,
            Verdict::Pass
        );
    }

    #[test]
    fn tests_that_disagree() {
        // One enormous loss: the t interval is wide, the signs are not against it.
        let differences = [vec![-0.01; 30], vec![1.0]].concat();
        let decision = decide(&plain(&differences), &Rules::with_margin(0.005));
        assert_eq!(decision.verdict, Verdict::Inconclusive);
        // Heavy losses of very different size: t sees a regression before the signs do, or the other way round.
        let differences = [vec![0.0; 7], vec![-0.4, -0.5, -0.45, -0.42]].concat();
        let (verdict, reason) = decided(&differences);
        assert_eq!(verdict, Verdict::Inconclusive);
        assert_eq!(
            reason,
            "the t interval says REGRESSED, the sign-flip test says INCONCLUSIVE"
        );
    }

    #[test]
    fn facts_of_a_question_count_once() {
        // Twelve questions of three facts; two questions lost altogether.
        let differences: Vec<f64> = (0..36).map(|i| if i < 6 { -1.0 } else { 0.0 }).collect();
        let clusters: Vec<usize> = (0..36).map(|i| i / 3).collect();
        let rules = Rules::with_margin(0.05);
        let naive = decide(&plain(&differences), &rules);
        let clustered = decide(
            &Comparison {
                clusters: Some(&clusters),
                ..plain(&differences)
            },
            &rules,
        );
        assert_eq!(naive.verdict, Verdict::Regressed);
        assert_eq!(clustered.verdict, Verdict::Inconclusive);
        assert!(clustered.minimum_detectable > naive.minimum_detectable);
    }
}
