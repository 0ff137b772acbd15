//! S9, what an imperfect judge's scores say about the truth: Rogan-Gladen and prediction-powered inference.

use super::distribution::normal_critical;
use super::interval::Interval;
use super::undefined::{
    Result, Undefined, all_finite, at_least, finite, positive, probability, same_length,
};

/// A rate and the number of answers it stands on, which may be an effective number
/// ([`super::mean::ClusteredRate::effective_n`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    /// The rate.
    pub rate: f64,
    /// The number it stands on.
    pub n: f64,
}

/// A corrected estimate. It may leave 0..=1; see [`Interval::clipped`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corrected {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
}

impl Corrected {
    /// Two-sided normal interval.
    pub fn interval(&self, confidence: f64) -> Interval {
        let half_width = normal_critical(confidence) * self.standard_error;
        Interval {
            lo: self.estimate - half_width,
            hi: self.estimate + half_width,
        }
    }
}

/// The true pass rate behind a judge's pass rate p, with sensitivity q1 and specificity q0 (Rogan and Gladen 1978;
/// 2511.21140): θ = (p + q0 - 1) / (q0 + q1 - 1),
/// Var = [p(1-p)/n + (1-θ)² q0(1-q0)/m0 + θ² q1(1-q1)/m1] / (q0 + q1 - 1)².
///
/// Two agents under one judge may be compared without correction only if q0 and q1 are the same for both.
///
/// # Errors
/// When q0 + q1 is at most 1 (the judge is no better than chance), a rate is outside 0..=1 or a number is not above 0.
pub fn rogan_gladen(
    apparent: Proportion,
    sensitivity: Proportion,
    specificity: Proportion,
) -> Result<Corrected> {
    let variance = |what, proportion: Proportion| {
        probability(what, proportion.rate)?;
        positive("the number of answers", proportion.n)?;
        Ok(proportion.rate * (1.0 - proportion.rate) / proportion.n)
    };
    let (of_p, of_q1, of_q0) = (
        variance("the pass rate", apparent)?,
        variance("the sensitivity", sensitivity)?,
        variance("the specificity", specificity)?,
    );
    let informative = specificity.rate + sensitivity.rate - 1.0;
    if informative <= 0.0 {
        return Err(Undefined::Degenerate(
            "sensitivity and specificity add up to at most 1: the judge is no better than chance",
        ));
    }
    let estimate = (apparent.rate + specificity.rate - 1.0) / informative;
    let variance = of_p + (1.0 - estimate).powi(2) * of_q0 + estimate.powi(2) * of_q1;
    Ok(Corrected {
        estimate,
        standard_error: variance.sqrt() / informative,
    })
}

/// A judge's scores next to people's on some answers, and alone on many more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predictions<'a> {
    /// People's scores of the labelled answers.
    pub labels: &'a [f64],
    /// The judge's scores of the same answers.
    pub on_labelled: &'a [f64],
    /// The judge's scores of the other answers.
    pub on_unlabelled: &'a [f64],
}

/// The mean of people's scores over all answers, by prediction-powered inference (2301.09633) with weight λ:
/// θ = λ mean_unlab(f) + mean_lab(y - λf), Var = λ² var_unlab(f)/N + var_lab(y - λf)/n. λ = 1 is the plain method, 0
/// the labels alone.
///
/// # Errors
/// With fewer than two answers of either kind, labels and scores of different number, or a value that is not finite.
pub fn prediction_powered(data: Predictions<'_>, lambda: f64) -> Result<Corrected> {
    data.check()?;
    finite("lambda", lambda)?;
    let rectifier: Vec<f64> = data
        .labels
        .iter()
        .zip(data.on_labelled)
        .map(|(label, score)| label - lambda * score)
        .collect();
    let (labelled, unlabelled) = (Moments::of(&rectifier), Moments::of(data.on_unlabelled));
    Ok(Corrected {
        estimate: lambda * unlabelled.mean + labelled.mean,
        standard_error: (lambda * lambda * unlabelled.variance / unlabelled.n
            + labelled.variance / labelled.n)
            .sqrt(),
    })
}

/// The λ with the smallest variance (PPI++, 2311.01453): cov_lab(y, f) / ((1 + n/N) var(f)), the variance over the
/// judge's scores of all answers. Not cut to 0..=1.
///
/// # Errors
/// As [`prediction_powered`], and when the judge gave every answer the same score.
pub fn tuned_lambda(data: Predictions<'_>) -> Result<f64> {
    data.check()?;
    let (labels, scores) = (Moments::of(data.labels), Moments::of(data.on_labelled));
    let covariance = data
        .labels
        .iter()
        .zip(data.on_labelled)
        .map(|(label, score)| (label - labels.mean) * (score - scores.mean))
        .sum::<f64>()
        / (labels.n - 1.0);
    let all: Vec<f64> = [data.on_labelled, data.on_unlabelled].concat();
    let variance = Moments::of(&all).variance;
    if variance <= 0.0 {
        return Err(Undefined::Degenerate(
            "the judge gave every answer the same score",
        ));
    }
    Ok(covariance / ((1.0 + labels.n / data.on_unlabelled.len() as f64) * variance))
}

/// [`prediction_powered`] at [`tuned_lambda`]: never much worse than the labels alone, however bad the judge.
///
/// # Errors
/// As [`tuned_lambda`].
pub fn prediction_powered_tuned(data: Predictions<'_>) -> Result<Corrected> {
    prediction_powered(data, tuned_lambda(data)?)
}

impl Predictions<'_> {
    fn check(&self) -> Result<()> {
        same_length(
            "labels and scores",
            self.labels.len(),
            self.on_labelled.len(),
        )?;
        at_least("labelled answers", self.labels.len(), 2)?;
        at_least("unlabelled answers", self.on_unlabelled.len(), 2)?;
        all_finite("a label", self.labels)?;
        all_finite("a score", self.on_labelled)?;
        all_finite("a score", self.on_unlabelled)
    }
}

struct Moments {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Of at least two values.
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            n,
            mean,
            variance: squares / (n - 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judge_no_better_than_chance_is_refused() {
        let of = |rate| Proportion { rate, n: 50.0 };
        let refused = rogan_gladen(of(0.8), of(0.5), of(0.5)).unwrap_err();
        assert!(refused.to_string().contains("no better than chance"));
        assert!(rogan_gladen(of(1.2), of(0.9), of(0.9)).is_err());
        let perfect = rogan_gladen(of(0.8), of(1.0), of(1.0)).unwrap();
        assert!((perfect.estimate - 0.8).abs() < 1e-12);
        assert!((perfect.standard_error - (0.8 * 0.2 / 50.0_f64).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn without_weight_the_labels_decide() {
        let data = Predictions {
            labels: &[1.0, 0.0, 1.0, 1.0],
            on_labelled: &[0.9, 0.2, 0.4, 0.8],
            on_unlabelled: &[0.1, 0.5, 0.9],
        };
        let have = prediction_powered(data, 0.0).unwrap();
        assert_eq!(have.estimate, 0.75);
        assert!((have.standard_error - (0.25 / 4.0_f64).sqrt()).abs() < 1e-12);
        let tuned = prediction_powered_tuned(data).unwrap();
        let plain = prediction_powered(data, 1.0).unwrap();
        assert!(tuned.standard_error <= plain.standard_error.min(have.standard_error) + 0.02);
    }

    #[test]
    fn undefined() {
        let constant = Predictions {
            labels: &[1.0, 0.0],
            on_labelled: &[0.5, 0.5],
            on_unlabelled: &[0.5, 0.5],
        };
        assert!(tuned_lambda(constant).is_err());
        assert!(prediction_powered(constant, f64::NAN).is_err());
        let few = Predictions {
            on_unlabelled: &[0.5],
            ..constant
        };
        assert!(prediction_powered(few, 1.0).is_err());
    }
}
