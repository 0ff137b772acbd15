//! What has to hold for any input: the contract's section 12.2, on seeded random inputs.

use super::agreement::{Confusion, Weights, cohen_kappa, gwet_ac1};
use super::mean::{clustered_mean, clustered_rate};
use super::multiplicity::{benjamini_hochberg, holm};
use super::paired::{difference_of, paired_difference};
use super::paired_binary::{PairedTable, mcnemar, newcombe, tango};
use super::random::SplitMix64;
use super::rate::{clopper_pearson, jeffreys, wilson_interval};
use super::repeats::{Trials, pass_at_k, pass_hat_k, probability_worse};
use super::verdict::{Comparison, MissingResults, Rules, Verdict, decide};

/// Inputs per property.
const CASES: u64 = 200;

fn for_each_case(property: impl Fn(&mut SplitMix64)) {
    for case in 0..CASES {
        property(&mut SplitMix64::new(case));
    }
}

fn scores(random: &mut SplitMix64, n: usize) -> Vec<f64> {
    (0..n).map(|_| random.below(5) as f64 / 4.0).collect()
}

#[test]
fn s1_bounds_are_ordered_and_inside() {
    for_each_case(|random| {
        let n = 1 + random.below(300);
        let s = random.below(n + 1);
        let confidence = 0.5 + 0.499 * random.unit();
        for method in [wilson_interval, clopper_pearson, jeffreys] {
            let have = method(s, n, confidence).unwrap();
            let rate = s as f64 / n as f64;
            assert!(
                0.0 <= have.lo && have.lo <= have.hi && have.hi <= 1.0,
                "{s}/{n} {have:?}"
            );
            assert!(
                have.lo <= rate + 1e-12 && rate <= have.hi + 1e-12,
                "{s}/{n} {have:?}"
            );
        }
        let values = scores(random, 12);
        let clusters: Vec<usize> = (0..12).map(|i| i / 3).collect();
        let have = clustered_rate(&values, &clusters, confidence).unwrap();
        assert!(
            0.0 <= have.interval.lo && have.interval.hi <= 1.0,
            "{have:?}"
        );
        assert!(have.effective_n <= 12.0 + 1e-9);
    });
}

#[test]
fn s2_one_value_a_cluster_is_no_cluster() {
    for_each_case(|random| {
        let n = 2 + random.below(30);
        let values = scores(random, n);
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let want = (squares / (n as f64 - 1.0) / n as f64).sqrt();
        let mut names: Vec<usize> = (0..n).collect();
        random.shuffle(&mut names);
        let have = clustered_mean(&values, &names).unwrap();
        assert!((have.standard_error - want).abs() < 1e-12);
    });
}

#[test]
fn s3_swapping_arms_turns_the_sign() {
    for_each_case(|random| {
        let n = 2 + random.below(14);
        let (a, b) = (scores(random, n), scores(random, n));
        let (forth, back) = (
            paired_difference(&a, &b).unwrap(),
            paired_difference(&b, &a).unwrap(),
        );
        assert_eq!((forth.mean, forth.t), (-back.mean, -back.t));
        assert_eq!(forth.interval, back.interval.negated());
        assert_eq!(
            (forth.p, forth.standard_error),
            (back.p, back.standard_error)
        );
        assert_eq!(forth.sign_flip.two_sided, back.sign_flip.two_sided);
        assert_eq!(forth.sign_flip.less, back.sign_flip.greater);
        assert!(forth.sign_flip.less + forth.sign_flip.greater >= 1.0 - 1e-12);
    });
}

#[test]
fn s4_swapping_arms_turns_the_interval() {
    for_each_case(|random| {
        let table = PairedTable {
            both: random.below(30),
            head_only: random.below(12),
            base_only: random.below(12),
            neither: 1 + random.below(10),
        };
        let difference = table.difference().unwrap();
        let (forth, back) = (
            tango(table, 0.95).unwrap(),
            tango(table.swapped(), 0.95).unwrap(),
        );
        assert!((forth.lo + back.hi).abs() < 1e-9 && (forth.hi + back.lo).abs() < 1e-9);
        assert!(forth.contains(difference) && forth.lo >= -1.0 && forth.hi <= 1.0);
        let newcombe_forth = newcombe(table, 0.95).unwrap().interval;
        let newcombe_back = newcombe(table.swapped(), 0.95).unwrap().interval;
        assert!((newcombe_forth.lo + newcombe_back.hi).abs() < 1e-9);
        assert!(newcombe_forth.contains(difference));
        let (have, swapped) = (
            mcnemar(table.head_only, table.base_only),
            mcnemar(table.base_only, table.head_only),
        );
        assert_eq!(have, swapped);
        assert!(have.mid_p <= have.exact && (0.0..=1.0).contains(&have.exact));
    });
}

#[test]
fn s5_never_passes_with_a_missing_result() {
    for_each_case(|random| {
        let n = random.below(20);
        let differences: Vec<f64> = (0..n).map(|_| random.unit() * 0.1).collect();
        for missing in [MissingResults::Inconclusive, MissingResults::Fail] {
            let comparison = Comparison {
                differences: &differences,
                clusters: None,
                missing: 1 + random.below(3),
                mismatch: None,
            };
            let rules = Rules {
                missing,
                min_questions: 0,
                ..Rules::with_margin(0.001 + random.unit())
            };
            assert_ne!(decide(&comparison, &rules).verdict, Verdict::Pass);
        }
    });
}

#[test]
fn s5_a_better_head_is_never_called_worse() {
    for_each_case(|random| {
        let n = 10 + random.below(10);
        let differences: Vec<f64> = (0..n).map(|_| random.unit()).collect();
        let decision = decide(
            &Comparison {
                differences: &differences,
                clusters: None,
                missing: 0,
                mismatch: None,
            },
            &Rules::with_margin(0.05),
        );
        assert_ne!(decision.verdict, Verdict::Regressed);
    });
}

#[test]
fn s6_adjustments_never_help() {
    for_each_case(|random| {
        let p_values: Vec<f64> = (0..1 + random.below(10)).map(|_| random.unit()).collect();
        let (holm, bh) = (
            holm(&p_values).unwrap(),
            benjamini_hochberg(&p_values).unwrap(),
        );
        for ((p, by_holm), by_bh) in p_values.iter().zip(&holm).zip(&bh) {
            assert!(*p <= by_bh + 1e-15 && *by_bh <= by_holm + 1e-15 && *by_holm <= 1.0);
        }
    });
}

#[test]
fn s8_more_trials_ask_more_or_offer_more() {
    for_each_case(|random| {
        let n = 1 + random.below(12);
        let trials = Trials {
            passed: random.below(n + 1),
            n,
        };
        for k in 1..n {
            let (hat, next_hat) = (
                pass_hat_k(trials, k).unwrap(),
                pass_hat_k(trials, k + 1).unwrap(),
            );
            let (at, next_at) = (
                pass_at_k(trials, k).unwrap(),
                pass_at_k(trials, k + 1).unwrap(),
            );
            assert!(next_hat <= hat + 1e-15 && at <= next_at + 1e-15);
            assert!(hat <= at + 1e-15 && (0.0..=1.0).contains(&at));
        }
        let other = Trials {
            passed: random.below(n + 1),
            n,
        };
        let (forth, back) = (
            probability_worse(trials, other).unwrap(),
            probability_worse(other, trials).unwrap(),
        );
        assert!((forth + back - 1.0).abs() < 1e-9, "{forth} {back}");
    });
}

#[test]
fn s9_full_agreement_is_one_and_none_is_less() {
    for_each_case(|random| {
        let size = 2 + random.below(3);
        let counts: Vec<Vec<u64>> = (0..size)
            .map(|_| (0..size).map(|_| random.below(9) as u64).collect())
            .collect();
        let diagonal: Vec<Vec<u64>> = (0..size)
            .map(|i| {
                (0..size)
                    .map(|j| if i == j { counts[i][i] + 1 } else { 0 })
                    .collect()
            })
            .collect();
        let full = Confusion::new(diagonal).unwrap();
        for weights in [Weights::Unweighted, Weights::Linear, Weights::Quadratic] {
            assert_eq!(cohen_kappa(&full, weights), Ok(1.0));
            if let Ok(table) = Confusion::new(counts.clone())
                && let Ok(kappa) = cohen_kappa(&table, weights)
            {
                assert!(kappa <= 1.0);
            }
        }
        assert!((gwet_ac1(&full).unwrap() - 1.0).abs() < 1e-12);
    });
}

#[test]
fn the_order_of_questions_does_not_matter() {
    for_each_case(|random| {
        let n = 4 + random.below(12);
        let differences: Vec<f64> = (0..n).map(|_| random.unit() - 0.6).collect();
        let mut order: Vec<usize> = (0..n).collect();
        random.shuffle(&mut order);
        let shuffled: Vec<f64> = order.iter().map(|i| differences[*i]).collect();
        let clusters: Vec<usize> = (0..n).map(|i| i / 2).collect();
        let with: Vec<usize> = order.iter().map(|i| clusters[*i]).collect();
        let (one, other) = (
            difference_of(&differences, &clusters).unwrap(),
            difference_of(&shuffled, &with).unwrap(),
        );
        assert!((one.mean - other.mean).abs() < 1e-12 && (one.p - other.p).abs() < 1e-9);
        assert!((one.sign_flip.less - other.sign_flip.less).abs() < 1e-12);
    });
}
