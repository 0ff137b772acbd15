//! S12, what a suite can see and how large it has to be. Numbers of questions are not rounded: round up with
//! [`whole_questions`].

use super::distribution::{binomial_upper, normal_quantile};
use super::mean::MeanEstimate;
use super::undefined::{
    Result, Undefined, all_finite, at_least, level, not_negative, out_of_range, positive,
    probability,
};

/// Error rates of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    /// Chance of seeing a difference that is not there.
    pub alpha: f64,
    /// Whether alpha is split between both directions.
    pub two_sided: bool,
    /// Chance of seeing a difference that is there.
    pub power: f64,
}

impl Design {
    /// Two-sided 5 %, power 80 %: the factor is 2.802.
    pub const DIFFERENCE: Self = Self {
        alpha: 0.05,
        two_sided: true,
        power: 0.8,
    };

    /// One-sided 5 %, power 80 %: for non-inferiority; the squared factor is 6.183.
    pub const NON_INFERIORITY: Self = Self {
        alpha: 0.05,
        two_sided: false,
        power: 0.8,
    };

    /// z for alpha and z for the power.
    fn quantiles(self) -> Result<(f64, f64)> {
        level("alpha", self.alpha)?;
        level("the power", self.power)?;
        let tail = if self.two_sided {
            self.alpha / 2.0
        } else {
            self.alpha
        };
        Ok((normal_quantile(1.0 - tail), normal_quantile(self.power)))
    }

    fn factor(self) -> Result<f64> {
        let (of_alpha, of_power) = self.quantiles()?;
        Ok(of_alpha + of_power)
    }
}

/// The next whole number of questions. A hair above one, as rounding leaves it, still counts as that one.
pub fn whole_questions(questions: f64) -> u64 {
    (questions - 1e-9).ceil().max(0.0) as u64
}

/// The smallest true mean difference that `n` questions show: (z_α + z_power) SD / sqrt(n), SD of the per-question
/// differences.
///
/// ```
/// use eval_suite::stats::power::{Design, minimum_detectable};
/// let with_20_questions = minimum_detectable(0.5, 20, Design::DIFFERENCE).unwrap();
/// assert!((with_20_questions - 0.313).abs() < 1e-3);
/// ```
///
/// # Errors
/// Without questions, with a negative SD, or a design whose levels are not between 0 and 1.
pub fn minimum_detectable(sd: f64, n: usize, design: Design) -> Result<f64> {
    at_least("questions", n, 1)?;
    not_negative("the SD", sd)?;
    Ok(design.factor()? * sd / (n as f64).sqrt())
}

/// [`minimum_detectable`] of a measured mean difference, with its clustered standard error.
///
/// # Errors
/// When all differences are equal, so that nothing is known of their spread, or with bad levels.
pub fn minimum_detectable_of(estimate: &MeanEstimate, design: Design) -> Result<f64> {
    at_least("units", estimate.units, 2)?;
    if estimate.standard_error <= 0.0 {
        return Err(Undefined::Degenerate(
            "all differences are equal, so that their spread is unknown",
        ));
    }
    Ok(design.factor()? * estimate.standard_error)
}

/// Questions that show a true mean difference: ((z_α + z_power) SD / difference)².
///
/// # Errors
/// With an SD below 0, a difference of 0, or bad levels.
pub fn questions_for_difference(sd: f64, difference: f64, design: Design) -> Result<f64> {
    not_negative("the SD", sd)?;
    positive("the difference", difference.abs())?;
    Ok((design.factor()? * sd / difference).powi(2))
}

/// The variance of one answer around its question's mean, and how often it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    /// Variance between repeats of one question.
    pub variance: f64,
    /// Repeats; infinity removes this variance.
    pub repeats: f64,
}

/// Questions that show a true mean difference between two arms (Miller 2411.00640, section 5):
/// (z_α + z_power)² (ω² + σ_A²/K_A + σ_B²/K_B) / difference², ω² the variance between questions of the true difference.
///
/// # Errors
/// With a negative variance, no repeats, a difference of 0, or bad levels.
pub fn questions_for_arms(
    between: f64,
    arms: [Arm; 2],
    difference: f64,
    design: Design,
) -> Result<f64> {
    let mut variance = not_negative("the variance between questions", between)?;
    for arm in arms {
        not_negative("the variance within a question", arm.variance)?;
        if arm.repeats.is_nan() || arm.repeats < 1.0 {
            return Err(out_of_range("the repeats", arm.repeats, "at least 1"));
        }
        variance += arm.variance / arm.repeats;
    }
    questions_for_difference(variance.sqrt(), difference, design)
}

/// Questions that show a difference of paired pass rates by McNemar's test, ψ the share of questions on which the arms
/// differ: (z_α sqrt(ψ) + z_power sqrt(ψ - d²))² / d² (Connor 1987).
///
/// # Errors
/// When the discordance is not in |d|..=1, the difference is 0, or levels are bad.
pub fn questions_for_mcnemar(discordance: f64, difference: f64, design: Design) -> Result<f64> {
    probability("the discordance", discordance)?;
    positive("the difference", difference.abs())?;
    if discordance < difference.abs() {
        return Err(out_of_range(
            "the discordance",
            discordance,
            "at least the difference",
        ));
    }
    let (of_alpha, of_power) = design.quantiles()?;
    let root = of_alpha * discordance.sqrt()
        + of_power * (discordance - difference * difference).max(0.0).sqrt();
    Ok((root / difference).powi(2))
}

/// Questions that show non-inferiority of pass rates when nothing changed: (z_α + z_power)² ψ / margin².
///
/// # Errors
/// When the discordance is not in 0..=1, the margin is not above 0, or levels are bad.
pub fn questions_for_non_inferiority(discordance: f64, margin: f64, design: Design) -> Result<f64> {
    probability("the discordance", discordance)?;
    positive("the margin", margin)?;
    Ok(design.factor()?.powi(2) * discordance / (margin * margin))
}

/// Chance that an agent with true pass rate `p` reaches a fixed threshold on `n` questions: P(X >= n·threshold),
/// X ~ Bin(n, p). What a gate without statistics does; one minus it is its false alarm.
///
/// # Errors
/// Without questions, or when p or the threshold is outside 0..=1.
pub fn threshold_pass_probability(n: usize, p: f64, threshold: f64) -> Result<f64> {
    at_least("questions", n, 1)?;
    probability("the pass rate", p)?;
    probability("the threshold", threshold)?;
    // 0.85 * 20 has to be 17, whatever rounding says.
    let needed = (n as f64 * threshold - 1e-9).ceil().max(0.0) as u64;
    Ok(binomial_upper(needed, n as u64, p))
}

/// Where the variance of per-question differences comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VarianceComponents {
    /// Between questions: stays, however often each is asked.
    pub between: f64,
    /// Between repeats of one question.
    pub within: f64,
}

impl VarianceComponents {
    /// SD of the mean of `repeats` differences of a question: sqrt(between + within / K).
    ///
    /// # Errors
    /// Without repeats.
    pub fn sd(self, repeats: usize) -> Result<f64> {
        at_least("repeats", repeats, 1)?;
        Ok((self.between + self.within / repeats as f64)
            .max(0.0)
            .sqrt())
    }

    /// Estimates both from a pilot, `trials[q][k]` the difference of question q in repeat k, by one-way analysis of
    /// variance; a negative estimate of `between` is 0.
    ///
    /// # Errors
    /// With fewer than two questions, no question with two repeats, or a value that is not finite.
    pub fn estimate(trials: &[Vec<f64>]) -> Result<Self> {
        let questions: Vec<&Vec<f64>> = trials.iter().filter(|row| !row.is_empty()).collect();
        at_least("questions", questions.len(), 2)?;
        let values = trials.concat();
        all_finite("a difference", &values)?;
        let (n, q) = (values.len() as f64, questions.len() as f64);
        at_least("repeats in all", values.len(), questions.len() + 1)?;
        let grand = values.iter().sum::<f64>() / n;
        let (mut inside, mut across, mut squares) = (0.0, 0.0, 0.0);
        for row in &questions {
            let k = row.len() as f64;
            let mean = row.iter().sum::<f64>() / k;
            inside += row.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            across += k * (mean - grand).powi(2);
            squares += k * k;
        }
        let within = inside / (n - q);
        let per_question = (n - squares / n) / (q - 1.0);
        Ok(Self {
            between: ((across / (q - 1.0) - within) / per_question).max(0.0),
            within,
        })
    }
}

/// What answers cost, in any one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// Once a question, whatever the repeats: writing and checking it.
    pub per_question: f64,
    /// Each repeat of a question: both arms, the judge, the runtime.
    pub per_repeat: f64,
}

/// What a plan may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Questions there are or can be written.
    pub max_questions: usize,
    /// Repeats of each.
    pub max_repeats: usize,
}

/// A suite that reaches a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Questions.
    pub questions: u64,
    /// Repeats of each.
    pub repeats: usize,
    /// What it costs.
    pub cost: f64,
    /// Share of the variance that more repeats would not remove; above one half they no longer pay much.
    pub between_share: f64,
}

/// The cheapest numbers of questions and repeats that show a true mean difference.
///
/// # Errors
/// When no pair within the limits does, with negative costs, a difference of 0, or bad levels.
pub fn cheapest_plan(
    components: VarianceComponents,
    difference: f64,
    costs: Costs,
    limits: Limits,
    design: Design,
) -> Result<Plan> {
    not_negative("the cost of a question", costs.per_question)?;
    not_negative("the cost of a repeat", costs.per_repeat)?;
    let mut best: Option<Plan> = None;
    for repeats in 1..=limits.max_repeats {
        let sd = components.sd(repeats)?;
        let questions = whole_questions(questions_for_difference(sd, difference, design)?).max(2);
        if questions > limits.max_questions as u64 {
            continue;
        }
        let cost = questions as f64 * (costs.per_question + costs.per_repeat * repeats as f64);
        if best.is_none_or(|plan| cost < plan.cost) {
            let variance = sd * sd;
            best = Some(Plan {
                questions,
                repeats,
                cost,
                between_share: if variance > 0.0 {
                    components.between / variance
                } else {
                    1.0
                },
            });
        }
    }
    best.ok_or(Undefined::Degenerate(
        "no plan within the limits shows this difference",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined() {
        let design = Design::DIFFERENCE;
        assert!(minimum_detectable(0.5, 0, design).is_err());
        assert!(questions_for_difference(0.5, 0.0, design).is_err());
        assert!(questions_for_mcnemar(0.05, 0.1, design).is_err());
        assert!(questions_for_non_inferiority(0.1, 0.0, design).is_err());
        let impossible = Design {
            power: 1.0,
            ..design
        };
        assert!(minimum_detectable(0.5, 20, impossible).is_err());
        let unanimous = MeanEstimate {
            mean: 0.0,
            standard_error: 0.0,
            units: 30,
        };
        assert!(minimum_detectable_of(&unanimous, design).is_err());
    }

    #[test]
    fn plan_and_detectable_difference_agree() {
        let n = questions_for_difference(0.5, 0.1, Design::DIFFERENCE).unwrap();
        assert_eq!(whole_questions(n), 197);
        let seen = minimum_detectable(0.5, 197, Design::DIFFERENCE).unwrap();
        assert!(seen <= 0.1 && seen > 0.099);
        assert_eq!(whole_questions(5.000_000_000_1), 5);
    }

    #[test]
    fn thresholds_are_counted_in_whole_questions() {
        // 0.85 * 20 = 17: seventeen pass, sixteen do not.
        assert!((threshold_pass_probability(20, 1.0, 0.85).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(threshold_pass_probability(20, 0.5, 0.0), Ok(1.0));
        assert_eq!(threshold_pass_probability(20, 0.0, 0.85), Ok(0.0));
    }

    #[test]
    fn components_of_a_pilot() {
        // Two questions, 0.5 apart, repeats 0.2 apart.
        let pilot = vec![vec![0.1, 0.3], vec![0.6, 0.8]];
        let have = VarianceComponents::estimate(&pilot).unwrap();
        assert!((have.within - 0.02).abs() < 1e-12);
        assert!((have.between - (0.125 - 0.01)).abs() < 1e-12);
        assert!((have.sd(2).unwrap() - 0.125_f64.sqrt()).abs() < 1e-12);
        assert!(VarianceComponents::estimate(&[vec![0.1], vec![0.2]]).is_err());
    }

    #[test]
    fn the_cheapest_plan() {
        let noisy = VarianceComponents {
            between: 0.01,
            within: 0.24,
        };
        let limits = Limits {
            max_questions: 100,
            max_repeats: 10,
        };
        let answers_only = Costs {
            per_question: 0.0,
            per_repeat: 1.0,
        };
        let plan = |costs, limits| cheapest_plan(noisy, 0.1, costs, limits, Design::DIFFERENCE);
        // 100 questions once do not do it, so each is asked as few times as possible.
        let have = plan(answers_only, limits).unwrap();
        assert_eq!((have.questions, have.repeats), (71, 3));
        // Questions that cost as much as 20 answers are asked often.
        let dear = Costs {
            per_question: 20.0,
            per_repeat: 1.0,
        };
        assert_eq!(plan(dear, limits).unwrap().repeats, 10);
        let few = Limits {
            max_questions: 10,
            max_repeats: 100,
        };
        let have = plan(answers_only, few);
        assert!(have.is_ok_and(|plan| plan.questions == 10 && plan.between_share > 0.5));
        let fewer = Limits {
            max_questions: 5,
            ..few
        };
        assert!(plan(answers_only, fewer).is_err());
    }
}
