//! The golden numbers of `tests/fixtures/stats-vectors.json`, computed with scipy.

use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/stats-vectors.json")).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

#[track_caller]
fn close(have: f64, want: &Value) {
    let want = want.as_f64().unwrap();
    assert!((have - want).abs() < 1e-9, "{have} is not {want}");
}

#[track_caller]
fn interval(have: Interval, want: &Value) {
    close(have.lo, &want[0]);
    close(have.hi, &want[1]);
}

#[test]
fn wilson_intervals() {
    for (key, want) in vectors()["wilson"].as_object().unwrap() {
        let (successes, n) = key.split_once('/').unwrap();
        interval(wilson(successes.parse().unwrap(), n.parse().unwrap()), want);
    }
    assert_eq!(wilson(0, 0), Interval { lo: 0.0, hi: 1.0 });
}

#[test]
fn lower_bound_is_one_sided() {
    // 60 of 60: n / (n + z²) with z = 1.6449.
    assert!(
        (wilson_lower(1.0, 60) - 60.0 / (60.0 + 1.644_853_626_951_472_f64.powi(2))).abs() < 1e-9
    );
    assert!(wilson_lower(0.8, 10) > wilson(8, 10).lo);
    assert_eq!(wilson_lower(1.0, 0), 0.0);
}

#[test]
fn means() {
    let vectors = vectors();
    let values = [0.6, 1.0, 0.4, 1.0, 0.0, 0.6, 1.0, 1.0];
    interval(mean_interval(&values).unwrap(), &vectors["t_mean"]["ci"]);

    let pairs = mean_estimate(&values, &[0, 0, 1, 1, 2, 2, 3, 3]).unwrap();
    let want = &vectors["clustered"];
    close(pairs.mean, &vectors["t_mean"]["mean"]);
    close(pairs.standard_error, &want["se_cr"]);
    interval(pairs.interval(CONFIDENCE), &want["ci"]);

    assert_eq!(mean_interval(&[0.5]), None);
    assert_eq!(mean_interval(&[]), None);
    assert_eq!(mean_estimate(&[0.1, 0.9], &["same", "same"]), None);
}

#[test]
fn paired_differences() {
    let vectors = vectors();
    let want = &vectors["paired"];
    let (base, head) = (floats(&want["a"]), floats(&want["b"]));
    let found = paired_difference(&head, &base).unwrap();
    close(found.mean, &want["mean"]);
    close(found.standard_error, &want["se"]);
    close(found.t, &want["t"][0]);
    close(found.p, &want["t"][1]);
    interval(found.interval, &want["ci"]);
    close(found.sign_flip.two_sided, &vectors["signflip"]["two"]);
    close(found.sign_flip.less, &vectors["signflip"]["less"]);

    let clusters = &vectors["signflip_clusters"];
    let flips = sign_flip(&floats(&clusters["d"]));
    close(flips.two_sided, &clusters["two"]);
    close(flips.less, &clusters["less"]);
}

#[test]
fn paired_differences_are_antisymmetric() {
    let (a, b) = ([1.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 0.0]);
    let (forth, back) = (
        paired_difference(&a, &b).unwrap(),
        paired_difference(&b, &a).unwrap(),
    );
    assert_eq!(
        (forth.mean, forth.p, forth.interval.lo),
        (-back.mean, back.p, -back.interval.hi)
    );
    assert_eq!(forth.sign_flip.two_sided, back.sign_flip.two_sided);
    assert_eq!(paired_difference(&[1.0], &[0.0]), None);
    let same = paired_difference(&[1.0, 0.5], &[1.0, 0.5]).unwrap();
    assert_eq!((same.t, same.p, same.sign_flip.two_sided), (0.0, 1.0, 1.0));
    let shifted = paired_difference(&[0.5, 0.5], &[1.0, 1.0]).unwrap();
    assert_eq!((shifted.t, shifted.p), (f64::NEG_INFINITY, 0.0));
}

#[test]
fn many_differences_are_drawn_and_repeat() {
    let differences: Vec<f64> = (0..30)
        .map(|i| if i % 3 == 0 { 0.2 } else { -0.1 })
        .collect();
    let once = sign_flip(&differences);
    assert_eq!(once, sign_flip(&differences));
    assert!(
        once.two_sided > 0.9,
        "the sum is 0, so nearly everything is as extreme: {once:?}"
    );
    let worse = sign_flip(&[-0.5; 30]);
    assert!(worse.less < 1e-4 && worse.two_sided < 1e-4, "{worse:?}");
}

#[test]
fn quantiles() {
    let values = [4.0, 1.0, 3.0, 2.0];
    assert_eq!(quantile(&values, 0.5), Some(2.5));
    assert_eq!(quantile(&values, 0.0), Some(1.0));
    assert_eq!(quantile(&values, 1.0), Some(4.0));
    assert_eq!(quantile(&[7.0], 0.95), Some(7.0));
    assert_eq!(quantile(&[], 0.5), None);
}
