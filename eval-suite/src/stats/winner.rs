//! S11, what the best of several configurations is really worth.

use super::random::{Resampling, SplitMix64};
use super::undefined::{Result, Undefined, all_finite, at_least, same_length};

/// The winner's score as it looks, and without the luck of having been picked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WinnerEstimate {
    /// The configuration with the highest mean, the first of equals.
    pub winner: usize,
    /// Its mean: selected, optimistic.
    pub naive: f64,
    /// The estimate without selection on the same questions.
    pub corrected: f64,
    /// Resamples behind the estimate: those that left a question out.
    pub resamples: usize,
}

impl WinnerEstimate {
    /// By how much the naive mean flatters.
    pub fn optimism(&self) -> f64 {
        self.naive - self.corrected
    }
}

/// Bootstrap bias correction (BBC; Tsamardinos, Greasidou and Borboudakis 2018, 1708.07180): resample the questions,
/// pick the winner on those drawn, score it on those not drawn, average. Costs no further answers; with a real spread
/// between configurations it errs low, the safe side.
///
/// `scores[c][q]` is configuration c on question q.
///
/// # Errors
/// Without configurations, with fewer than two questions, rows of different length, a score that is not finite, or when
/// every resample drew every question.
pub fn winner_estimate(scores: &[Vec<f64>], resampling: Resampling) -> Result<WinnerEstimate> {
    at_least("configurations", scores.len(), 1)?;
    let questions = scores[0].len();
    at_least("questions", questions, 2)?;
    for row in scores {
        same_length("questions of two configurations", row.len(), questions)?;
        all_finite("a score", row)?;
    }
    let mut generator = SplitMix64::new(resampling.seed);
    let (mut sum, mut used) = (0.0, 0);
    for _ in 0..resampling.resamples {
        let mut times = vec![0.0; questions];
        for _ in 0..questions {
            times[generator.below(questions)] += 1.0;
        }
        let left_out = times.iter().filter(|times| **times == 0.0).count();
        if left_out == 0 {
            continue;
        }
        let in_bag = |row: &[f64]| row.iter().zip(&times).map(|(s, t)| s * t).sum();
        let out_of_bag: f64 = scores[highest(scores, in_bag)]
            .iter()
            .zip(&times)
            .filter(|(_, times)| **times == 0.0)
            .map(|(score, _)| score)
            .sum();
        sum += out_of_bag / left_out as f64;
        used += 1;
    }
    if used == 0 {
        return Err(Undefined::Degenerate("no resample left a question out"));
    }
    let winner = highest(scores, |row| row.iter().sum());
    Ok(WinnerEstimate {
        winner,
        naive: scores[winner].iter().sum::<f64>() / questions as f64,
        corrected: sum / used as f64,
        resamples: used,
    })
}

/// The row with the highest value, the first of equals.
fn highest(scores: &[Vec<f64>], value: impl Fn(&[f64]) -> f64) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, row) in scores.iter().enumerate() {
        let value = value(row);
        if value > best.1 {
            best = (index, value);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_configuration_has_no_winner_to_regret() {
        let scores: Vec<f64> = (0..40).map(|i| f64::from(i % 4) / 3.0).collect();
        let have = winner_estimate(&[scores], Resampling::default()).unwrap();
        assert!(have.optimism().abs() < 0.01, "{have:?}");
        assert_eq!(have.resamples, 2_000);
    }

    #[test]
    fn luck_is_taken_off() {
        // Eight configurations of coin flips: the best looks good by luck alone.
        let mut generator = SplitMix64::new(11);
        let scores: Vec<Vec<f64>> = (0..8)
            .map(|_| {
                (0..30)
                    .map(|_| f64::from(u8::from(generator.chance(0.5))))
                    .collect()
            })
            .collect();
        let have = winner_estimate(&scores, Resampling::default()).unwrap();
        assert!(have.naive > 0.55 && have.optimism() > 0.03, "{have:?}");
        assert_eq!(winner_estimate(&scores, Resampling::default()), Ok(have));
    }

    #[test]
    fn undefined() {
        assert!(winner_estimate(&[], Resampling::default()).is_err());
        assert!(winner_estimate(&[vec![1.0]], Resampling::default()).is_err());
        let none = Resampling {
            resamples: 0,
            seed: 1,
        };
        assert!(winner_estimate(&[vec![1.0, 0.0]], none).is_err());
    }
}
