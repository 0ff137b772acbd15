//! The statistics against the golden numbers of `tests/vectors`: every row of every table.

mod quoted;
mod s8_to_s12;
mod scipy;

use std::collections::BTreeSet;

use eval_suite::stats::agreement::{
    Confusion, Scale, Weights, cohen_kappa, cohen_kappa_standard_error, gwet_ac1,
    krippendorff_alpha,
};
use eval_suite::stats::allocation::{halving_schedule, hyperband_brackets};
use eval_suite::stats::corrected::{
    Predictions, Proportion, prediction_powered, prediction_powered_tuned, rogan_gladen,
    tuned_lambda,
};
use eval_suite::stats::mean::{clustered_mean, clustered_rate, sample_mean};
use eval_suite::stats::multiplicity::{benjamini_hochberg, holm};
use eval_suite::stats::paired_binary::{
    PairedTable, exact_worse, mcnemar, mid_p_worse, newcombe, tango,
};
use eval_suite::stats::pareto::{Direction, front, hypervolume};
use eval_suite::stats::power::{
    Arm, Design, minimum_detectable, questions_for_arms, questions_for_mcnemar,
    questions_for_non_inferiority, threshold_pass_probability,
};
use eval_suite::stats::ranks::{friedman, wilcoxon_signed_rank};
use eval_suite::stats::rate::{clopper_pearson, jeffreys, wilson_interval};
use eval_suite::stats::repeats::{
    Trials, mean_pass_at_k, mean_pass_hat_k, pass_at_k, pass_hat_k, probability_worse,
};
use eval_suite::stats::sequential::{
    confidence_sequence_half_width, e_value_different, e_value_worse, straight_losses, tuned_rho,
};
use eval_suite::stats::verdict::{Verdict, non_inferiority};
use eval_suite::stats::{
    Interval, MeanEstimate, mean_interval, paired_difference, sign_flip, wilson,
};
use serde_json::{Map, Value};

const TOLERANCE: f64 = 1e-9;

fn first() -> Value {
    serde_json::from_str(include_str!("../vectors/stats-vectors.json")).unwrap()
}

fn second() -> Value {
    serde_json::from_str(include_str!("../vectors/stats-vectors2.json")).unwrap()
}

fn third() -> Value {
    serde_json::from_str(include_str!("../vectors/stats-vectors3.json")).unwrap()
}

fn rows(table: &Value) -> &Map<String, Value> {
    table.as_object().unwrap()
}

/// The numbers in a row's name: 8 and 10 of "8/10", 20 and 0.25 of "n20,v0.25".
fn numbers(key: &str) -> Vec<f64> {
    key.split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter_map(|part| part.parse().ok())
        .collect()
}

fn counts<const N: usize>(key: &str) -> [usize; N] {
    let numbers: Vec<usize> = numbers(key).iter().map(|number| *number as usize).collect();
    numbers.try_into().unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

#[track_caller]
fn close(label: &str, have: f64, want: &Value) {
    near(label, have, want.as_f64().unwrap(), TOLERANCE);
}

#[track_caller]
fn near(label: &str, have: f64, want: f64, tolerance: f64) {
    assert!(
        (have - want).abs() <= tolerance,
        "{label}: {have} is not {want}"
    );
}

#[track_caller]
fn interval(label: &str, have: Interval, want: &Value) {
    close(label, have.lo, &want[0]);
    close(label, have.hi, &want[1]);
}

#[test]
fn no_table_is_left_out() {
    let tested: BTreeSet<&str> = "wilson clopper jeffreys t_mean clustered paired signflip mcnemar newcombe10 tango holm bh \
         evalue asympcs pass kappa rogan power naive_gate seqhalving friedman krippendorff hypervolume ppi ni_n \
         all_losses passhat passat kappa_w1 kappa_w2 cluster_unequal signflip_clusters ni_example \
         posterior_regressed_beta_half wilson_deff"
        .split_whitespace()
        .chain(["hyperband R81 eta3", "wilcoxon zsplit"])
        // By simulation, in the slow tests.
        .chain(["bbc"])
        .collect();
    let files = [first(), second(), third()];
    let present: BTreeSet<&str> = files
        .iter()
        .flat_map(|file| rows(file).keys().map(String::as_str))
        .collect();
    assert_eq!(present, tested);
}

#[test]
fn rates() {
    let file = first();
    let tables: [(&str, fn(usize, usize) -> Interval); 4] = [
        ("wilson", |s, n| wilson_interval(s, n, 0.95).unwrap()),
        ("wilson", wilson),
        ("clopper", |s, n| clopper_pearson(s, n, 0.95).unwrap()),
        ("jeffreys", |s, n| jeffreys(s, n, 0.95).unwrap()),
    ];
    for (table, method) in tables {
        for (key, want) in rows(&file[table]) {
            let [s, n] = counts(key);
            interval(&format!("{table} {key}"), method(s, n), want);
        }
    }
}

#[test]
fn clustered_rates() {
    let file = third();
    let unequal = answers(&[(1, 0), (2, 1), (3, 3), (4, 3)]);
    let triples = answers(&[(3, 3), (3, 3), (3, 1), (3, 0)]);
    for (key, (values, clusters)) in [("a", unequal), ("b", triples)] {
        let want = &file["wilson_deff"][key];
        let have = clustered_rate(&values, &clusters, 0.95).unwrap();
        close(key, have.rate, &want["m"]);
        close(key, have.standard_error, &want["se"]);
        close(key, have.design_effect.unwrap(), &want["deff"]);
        close(key, have.effective_n, &want["neff"]);
        interval(key, have.interval, &want["ci"]);
    }
    assert_eq!(rows(&file["wilson_deff"]).len(), 2);
}

/// Yes/no answers in clusters of (size, successes).
fn answers(clusters: &[(usize, usize)]) -> (Vec<f64>, Vec<usize>) {
    clusters
        .iter()
        .enumerate()
        .flat_map(|(cluster, &(size, successes))| {
            (0..size).map(move |i| (f64::from(u8::from(i < successes)), cluster))
        })
        .unzip()
}

#[test]
fn means() {
    let (first, second) = (first(), second());
    let values = [0.6, 1.0, 0.4, 1.0, 0.0, 0.6, 1.0, 1.0];
    let alone = sample_mean(&values).unwrap();
    let want = &first["t_mean"];
    close("mean", alone.mean, &want["mean"]);
    close("se", alone.standard_error, &want["se"]);
    interval("ci", alone.interval(0.95), &want["ci"]);
    interval("ci", mean_interval(&values).unwrap(), &want["ci"]);

    let pairs = clustered_mean(&values, &[0, 0, 1, 1, 2, 2, 3, 3]).unwrap();
    let want = &first["clustered"];
    close("se", pairs.standard_error, &want["se_cr"]);
    close(
        "se without factor",
        pairs.standard_error_without_cluster_factor(),
        &want["se_miller_no_correction"],
    );
    close("naive", alone.standard_error, &want["naive"]);
    interval("ci", pairs.interval(0.95), &want["ci"]);
    let t = (pairs.interval(0.95).hi - pairs.mean) / pairs.standard_error;
    close("t", t, &want["t"]);

    let want = &second["cluster_unequal"];
    let (values, clusters) = answers(&[(1, 0), (2, 1), (3, 3), (4, 3)]);
    let unequal = clustered_mean(&values, &clusters).unwrap();
    close("mean", unequal.mean, &want["mean"]);
    close("se", unequal.standard_error, &want["se"]);
    interval("ci", unequal.interval(0.95), &want["ci"]);
    let naive = sample_mean(&values).unwrap();
    close("naive", naive.standard_error, &want["naive"]);
}

#[test]
fn paired_differences() {
    let (first, second) = (first(), second());
    let want = &first["paired"];
    let (base, head) = (floats(&want["a"]), floats(&want["b"]));
    let have = paired_difference(&head, &base).unwrap();
    close("mean", have.mean, &want["mean"]);
    close("se", have.standard_error, &want["se"]);
    close("t", have.t, &want["t"][0]);
    close("p", have.p, &want["t"][1]);
    interval("ci", have.interval, &want["ci"]);

    let differences: Vec<f64> = head.iter().zip(&base).map(|(h, b)| h - b).collect();
    let nonzero = differences.iter().filter(|d| **d != 0.0).count();
    close("n", nonzero as f64, &first["signflip"]["n"]);
    close("two", have.sign_flip.two_sided, &first["signflip"]["two"]);
    close("less", have.sign_flip.less, &first["signflip"]["less"]);

    let ranks = wilcoxon_signed_rank(&differences).unwrap();
    close("statistic", ranks.positive, &first["wilcoxon zsplit"][0]);
    close("p", ranks.exact.unwrap().less, &first["wilcoxon zsplit"][1]);

    let want = &second["signflip_clusters"];
    let flips = sign_flip(&floats(&want["d"]));
    close("two", flips.two_sided, &want["two"]);
    close("less", flips.less, &want["less"]);
}

#[test]
fn friedman_test() {
    let ranks = [[1, 1, 1, 1, 1], [2, 2, 2, 3, 3], [3, 3, 3, 2, 2]];
    let scores: Vec<Vec<f64>> = ranks.map(|row| row.map(f64::from).to_vec()).to_vec();
    let have = friedman(&scores).unwrap();
    let want = &first()["friedman"];
    close("statistic", have.statistic, &want[0]);
    close("p", have.p, &want[1]);
}

#[test]
fn paired_binary() {
    let file = first();
    for (key, want) in rows(&file["mcnemar"]) {
        let [w, l] = counts(key);
        let have = mcnemar(w, l);
        close(key, have.exact, &want["exact"]);
        close(key, have.mid_p, &want["midp"]);
        close(key, have.chi_square.unwrap(), &want["chi2cc"]);
        close(key, have.chi_square_p.unwrap(), &want["chi_p"]);
    }
    let table = |key: &str| {
        let [both, head_only, base_only, neither] = counts(key);
        PairedTable {
            both,
            head_only,
            base_only,
            neither,
        }
    };
    for (key, want) in rows(&file["newcombe10"]) {
        let have = newcombe(table(key), 0.95).unwrap();
        close(key, have.difference, &want["diff"]);
        close(key, have.phi, &want["phi"]);
        interval(key, have.interval, &want["ci"]);
    }
    for (key, want) in rows(&file["tango"]) {
        interval(key, tango(table(key), 0.95).unwrap(), want);
    }
}

#[test]
fn non_inferiority_example() {
    let want = &second()["ni_example"];
    let estimate = MeanEstimate {
        mean: -0.02,
        standard_error: 0.2 / 60_f64.sqrt(),
        units: 60,
    };
    let have = non_inferiority(&estimate, 0.05, 0.95).unwrap();
    close("lower", have.bounds.lo, &want["lower95"]);
    close("p", have.p_non_inferior, &want["p"]);
    assert_eq!(
        Some(have.verdict == Verdict::Pass),
        want["passes"].as_bool()
    );
}

#[test]
fn several_tests() {
    let file = first();
    let p_values = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205];
    for (table, have) in [
        ("holm", holm(&p_values).unwrap()),
        ("bh", benjamini_hochberg(&p_values).unwrap()),
    ] {
        let want = floats(&file[table]);
        assert_eq!(have.len(), want.len());
        for (have, want) in have.into_iter().zip(want) {
            near(table, have, want, TOLERANCE);
        }
    }
}

#[test]
fn early_stopping() {
    let (first, second) = (first(), second());
    for (key, want) in rows(&first["evalue"]) {
        let [w, l] = counts(key);
        close(key, e_value_different(w, l), &want["two"]);
        close(key, e_value_worse(w, l), &want["one_regress"]);
    }
    let rho = tuned_rho(100, 0.05).unwrap();
    for (key, want) in rows(&first["asympcs"]) {
        let inputs = numbers(key);
        let (n, variance) = (inputs[0], inputs[1]);
        let have = confidence_sequence_half_width(n as usize, variance, rho, 0.05).unwrap();
        close(key, have, &want["cs"]);
        let fixed = MeanEstimate {
            mean: 0.0,
            standard_error: (variance / n).sqrt(),
            // So many that t is normal.
            units: 100_000_000,
        };
        let want = want["fixed"].as_f64().unwrap();
        near(key, fixed.interval(0.95).hi, want, 2e-5 * want);
    }
    let want = &second["all_losses"];
    let tests: [(&str, fn(usize, usize) -> bool); 3] = [
        ("midp_one_sided_.05", |w, l| mid_p_worse(w, l) <= 0.05),
        ("exact_one_sided_.05", |w, l| exact_worse(w, l) <= 0.05),
        ("eprocess_20", |w, l| e_value_worse(w, l) >= 20.0),
    ];
    for (key, worse) in tests {
        close(key, straight_losses(worse).unwrap() as f64, &want[key]);
    }
    assert_eq!(rows(want).len(), 3);
}

fn confusion(rows: &[&[u64]]) -> Confusion {
    Confusion::new(rows.iter().map(|row| row.to_vec()).collect()).unwrap()
}

/// Four raters, twelve units, of Krippendorff 2011.
fn textbook_ratings() -> Vec<Vec<Option<f64>>> {
    [
        "123321412...",
        "1233224125.3",
        ".3332342251.",
        "12332441251.",
    ]
    .map(|row| {
        row.chars()
            .map(|rating| rating.to_digit(10).map(f64::from))
            .collect()
    })
    .to_vec()
}
