//! The winner's estimate of S11 against the winner's true worth.

use eval_suite::stats::random::{Resampling, SplitMix64};
use eval_suite::stats::winner::winner_estimate;
use serde_json::Value;

use crate::support::{logistic, normal};

const RUNS: usize = 1_000;
/// Resamples of each run: their error is far below that of the runs.
const RESAMPLES: usize = 200;
/// The contract's limit.
const LIMIT: f64 = 0.02;
/// SD of the configurations' abilities on the logit scale where they differ.
const SPREAD: f64 = 0.7;

struct Errors {
    naive: f64,
    corrected: f64,
}

/// Mean errors of the naive and of the corrected estimate of a winner's worth.
fn simulate(configurations: usize, questions: usize, spread: f64, seed: u64) -> Errors {
    let mut random = SplitMix64::new(seed);
    let mut errors = Errors {
        naive: 0.0,
        corrected: 0.0,
    };
    for _ in 0..RUNS {
        let abilities: Vec<f64> = (0..configurations)
            .map(|_| spread * normal(&mut random))
            .collect();
        let difficulty: Vec<f64> = (0..questions).map(|_| 1.0 + normal(&mut random)).collect();
        let mut scores = Vec::new();
        for ability in &abilities {
            let row: Vec<f64> = difficulty
                .iter()
                .map(|d| f64::from(u8::from(random.chance(logistic(ability + d)))))
                .collect();
            scores.push(row);
        }
        let resampling = Resampling {
            resamples: RESAMPLES,
            seed: random.next_u64(),
        };
        let have = winner_estimate(&scores, resampling).unwrap();
        // What the winner would score on these questions, asked for ever.
        let worth = difficulty
            .iter()
            .map(|d| logistic(abilities[have.winner] + d))
            .sum::<f64>()
            / questions as f64;
        errors.naive += (have.naive - worth) / RUNS as f64;
        errors.corrected += (have.corrected - worth) / RUNS as f64;
    }
    errors
}

#[test]
#[ignore = "slow"]
fn the_winner_is_not_flattered() {
    let file: Value = serde_json::from_str(include_str!("../vectors/stats-vectors3.json")).unwrap();
    for (name, want) in file["bbc"].as_object().unwrap() {
        let (spread, size) = match name.split_once(' ') {
            Some(("identical", size)) => (0.0, size),
            Some(("spread", size)) => (SPREAD, size),
            _ => panic!("unknown row {name}"),
        };
        let (configurations, questions) = size.split_once('x').unwrap();
        let have = simulate(
            configurations.parse().unwrap(),
            questions.parse().unwrap(),
            spread,
            8,
        );
        let (naive, corrected) = (
            want["naive_optimism"].as_f64().unwrap(),
            want["bbc_error"].as_f64().unwrap(),
        );
        eprintln!(
            "{name}: naive {:+.4} (contract {naive:+.4}), corrected {:+.4} (contract {corrected:+.4})",
            have.naive, have.corrected
        );
        assert!(have.corrected.abs() <= LIMIT, "{name}: {}", have.corrected);
        assert!(
            (have.naive - naive).abs() <= LIMIT,
            "{name}: {}",
            have.naive
        );
    }
}
