//! The numbers the contract's section 11 (and sections 1, 3 and 5) quotes, to the digits it quotes.

use super::*;
use eval_suite::stats::allocation::Round;
use eval_suite::stats::power::whole_questions;
use eval_suite::stats::repeats::{Change, Stability, change, stability};

/// Checks numbers against how they are printed: `want` has as many decimals as are quoted.
#[track_caller]
fn printed(label: &str, have: f64, want: &str) {
    let decimals = want.split_once('.').map_or(0, |(_, tail)| tail.len());
    let half_a_digit = 0.5 * 10_f64.powi(-(decimals as i32));
    near(label, have, want.parse().unwrap(), half_a_digit + 1e-12);
}

#[track_caller]
fn bounds(label: &str, have: Interval, lo: &str, hi: &str) {
    printed(label, have.lo, lo);
    printed(label, have.hi, hi);
}

#[test]
fn s1_and_s2() {
    bounds("8/10", wilson(8, 10), "0.4902", "0.9433");
    bounds("10/10", wilson(10, 10), "0.7225", "1");
    bounds("0/20", wilson(0, 20), "0", "0.1611");
    bounds("57/60", wilson(57, 60), "0.8630", "0.9829");
    let exact = clopper_pearson(8, 10, 0.95).unwrap();
    bounds("Clopper-Pearson", exact, "0.4439", "0.9748");
    let jeffreys = jeffreys(8, 10, 0.95).unwrap();
    bounds("Jeffreys", jeffreys, "0.4972", "0.9559");
    let (values, clusters) = answers(&[(3, 3), (3, 3), (3, 1), (3, 0)]);
    let rate = clustered_rate(&values, &clusters, 0.95).unwrap();
    printed("deff", rate.design_effect.unwrap(), "2.829");
    printed("n_eff", rate.effective_n, "4.24");
    bounds("deff", rate.interval, "0.2016", "0.8859");

    let values = [0.6, 1.0, 0.4, 1.0, 0.0, 0.6, 1.0, 1.0];
    let mean = clustered_mean(&values, &[0, 0, 1, 1, 2, 2, 3, 3]).unwrap();
    printed("mean", mean.mean, "0.7");
    printed("SE", mean.standard_error, "0.1472");
    bounds("CI", mean.interval(0.95), "0.2316", "1.1684");
    let naive = sample_mean(&values).unwrap().standard_error;
    printed("naive", naive, "0.1309");
    assert!(clustered_mean(&values, &[0; 8]).is_err());
}

#[test]
fn s3_and_s4() {
    let want = &first()["paired"];
    let (base, head) = (floats(&want["a"]), floats(&want["b"]));
    let have = paired_difference(&head, &base).unwrap();
    printed("mean", have.mean, "-0.25");
    printed("SE", have.standard_error, "0.13437");
    printed("t", have.t, "-1.8605");
    printed("p", have.p, "0.0957");
    bounds("CI", have.interval, "-0.554", "0.054");
    printed("two-sided", have.sign_flip.two_sided, "0.25");
    printed("one-sided", have.sign_flip.less, "0.125");
    let six = sign_flip(&[-0.5, 0.0, -0.25, -1.0, 0.25, -0.5]);
    printed("six clusters", six.two_sided, "0.1875");
    printed("six clusters", six.less, "0.09375");

    for (w, l, want) in [
        (1, 8, "0.02148"),
        (0, 5, "0.03125"),
        (3, 12, "0.02127"),
        (0, 6, "0.01563"),
    ] {
        near("mid-p", mcnemar(w, l).mid_p, want.parse().unwrap(), 5.1e-6);
    }
    printed("exact", mcnemar(1, 8).exact, "0.03906");
    printed("exact", mcnemar(0, 5).exact, "0.0625");
    let table = PairedTable {
        both: 45,
        head_only: 8,
        base_only: 1,
        neither: 6,
    };
    printed("difference", table.difference().unwrap(), "0.1167");
    let newcombe = newcombe(table, 0.95).unwrap().interval;
    bounds("Newcombe", newcombe, "0.0162", "0.2232");
    let tango = tango(table, 0.95).unwrap();
    bounds("Tango", tango, "0.0235", "0.2287");
}

#[test]
fn s5_to_s7() {
    let estimate = MeanEstimate {
        mean: -0.02,
        standard_error: 0.2 / 60_f64.sqrt(),
        units: 60,
    };
    let have = non_inferiority(&estimate, 0.05, 0.95).unwrap();
    bounds("L and U", have.bounds, "-0.0631", "0.0231");
    assert_eq!(have.verdict, Verdict::Inconclusive);

    let p_values = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205];
    let holm = holm(&p_values).unwrap();
    for (have, want) in holm
        .iter()
        .zip(["0.008", "0.056"].into_iter().chain(["0.234"; 6]))
    {
        printed("Holm", *have, want);
    }
    let listed = [
        "0.008", "0.032", "0.0672", "0.0672", "0.0672", "0.08", "0.0846", "0.205",
    ];
    for (have, want) in benjamini_hochberg(&p_values).unwrap().iter().zip(listed) {
        printed("BH", *have, want);
    }

    for (w, l, want) in [
        (0, 5, "10.5"),
        (0, 6, "18.14"),
        (0, 7, "31.9"),
        (1, 8, "11.26"),
        (3, 15, "33.74"),
        (10, 2, "0.107"),
    ] {
        printed("E", e_value_worse(w, l), want);
    }
    let rho = tuned_rho(100, 0.05).unwrap();
    for (n, want) in [(20, "0.510"), (100, "0.161"), (500, "0.068")] {
        let have = confidence_sequence_half_width(n, 0.25, rho, 0.05).unwrap();
        printed("half-width", have, want);
    }
}

#[test]
fn s8() {
    let of = |passed, n| Trials { passed, n };
    for (trials, k, at, hat) in [
        (of(3, 5), 2, "0.9", "0.3"),
        (of(3, 5), 3, "1", "0.1"),
        (of(9, 10), 3, "1", "0.7"),
    ] {
        printed("pass@k", pass_at_k(trials, k).unwrap(), at);
        printed("pass^k", pass_hat_k(trials, k).unwrap(), hat);
    }
    assert!(pass_at_k(of(3, 5), 6).is_err(), "k > n");
    let cases = [of(5, 5), of(3, 5), of(0, 5)];
    printed("pass^1", mean_pass_hat_k(&cases, 1).unwrap(), "0.5333");
    printed("pass^3", mean_pass_hat_k(&cases, 3).unwrap(), "0.3667");
    printed("pass@3", mean_pass_at_k(&cases, 3).unwrap(), "0.6667");
    let classes = cases.map(|trials| stability(trials).unwrap());
    let want = [
        Stability::StablePass,
        Stability::Flaky,
        Stability::StableFail,
    ];
    assert_eq!(classes, want);

    for (base, head, want, class) in [
        (of(3, 3), of(2, 3), "0.846", Change::Watch),
        (of(3, 3), of(1, 3), "0.961", Change::Regressed),
        (of(3, 3), of(0, 3), "0.996", Change::Regressed),
        (of(5, 5), of(3, 5), "0.946", Change::Watch),
        (of(10, 10), of(7, 10), "0.976", Change::Regressed),
    ] {
        printed("worse", probability_worse(base, head).unwrap(), want);
        assert_eq!(change(base, head), Ok(class));
    }
}

#[test]
fn s9() {
    let skewed = confusion(&[&[90, 4], &[4, 2]]);
    let even = confusion(&[&[20, 5], &[10, 15]]);
    let three = confusion(&[&[11, 3, 1], &[1, 8, 3], &[0, 2, 14]]);
    let kappa = |table, weights| cohen_kappa(table, weights).unwrap();
    printed("kappa", kappa(&skewed, Weights::Unweighted), "0.291");
    printed("AC1", gwet_ac1(&skewed).unwrap(), "0.910");
    printed("kappa", kappa(&even, Weights::Unweighted), "0.400");
    printed("AC1", gwet_ac1(&even).unwrap(), "0.406");
    printed("plain", kappa(&three, Weights::Unweighted), "0.649");
    printed("linear", kappa(&three, Weights::Linear), "0.720");
    printed("quadratic", kappa(&three, Weights::Quadratic), "0.786");
    for (scale, want) in [
        (Scale::Nominal, "0.743"),
        (Scale::Ordinal, "0.815"),
        (Scale::Interval, "0.849"),
    ] {
        let have = krippendorff_alpha(&textbook_ratings(), scale).unwrap();
        printed("alpha", have, want);
    }

    let proportion = |rate, n| Proportion { rate, n };
    let corrected = rogan_gladen(
        proportion(0.80, 200.0),
        proportion(0.90, 60.0),
        proportion(0.85, 40.0),
    )
    .unwrap();
    printed("theta", corrected.estimate, "0.8667");
    printed("SE", corrected.standard_error, "0.0594");
    // Section 1: 86.7 % +- 11.6.
    let half_width = corrected.interval(0.95).hi - corrected.estimate;
    printed("half-width", 100.0 * half_width, "11.6");
    let coin = rogan_gladen(
        proportion(0.5, 10.0),
        proportion(0.6, 10.0),
        proportion(0.4, 10.0),
    );
    assert!(coin.is_err(), "no better than chance");
}

#[test]
fn s10_and_s11() {
    let schedule = halving_schedule(16, 320, 1).unwrap();
    let want = [(16, 5), (8, 10), (4, 20), (2, 40)];
    let want = want.map(|(configurations, questions)| Round {
        configurations,
        questions,
    });
    assert_eq!(schedule, want);
    let starts: Vec<(u64, f64)> = hyperband_brackets(81, 3)
        .unwrap()
        .iter()
        .map(|bracket| (bracket[0].configurations, bracket[0].resource))
        .collect();
    let want = [(81, 1.0), (34, 3.0), (15, 9.0), (8, 27.0), (5, 81.0)];
    assert_eq!(starts, want);

    let points = [[0.9, 0.8], [0.8, 0.4], [0.6, 0.1], [0.7, 0.5], [0.9, 0.9]];
    let directions = [Direction::Up, Direction::Down];
    printed(
        "HV",
        hypervolume(&points, [0.0, 1.0], directions).unwrap(),
        "0.68",
    );
}

#[test]
fn s12() {
    let detectable = |sd, n| minimum_detectable(sd, n, Design::DIFFERENCE).unwrap();
    printed("factor", detectable(1.0, 1), "2.802");
    for (n, want) in [(20, "0.313"), (60, "0.181"), (200, "0.099")] {
        printed("MDE", detectable(0.5, n), want);
    }
    // Section 14: four questions see about 70 points.
    printed("MDE of 4", detectable(0.5, 4), "0.7");

    let mcnemar = questions_for_mcnemar(0.2, 0.1, Design::DIFFERENCE).unwrap();
    assert_eq!(whole_questions(mcnemar), 155);
    let needed = |discordance, margin| {
        questions_for_non_inferiority(discordance, margin, Design::NON_INFERIORITY).unwrap()
    };
    printed("factor", needed(1.0, 1.0), "6.183");
    for (margin, want) in [
        (0.05, [124, 247, 495, 742]),
        (0.10, [31, 62, 124, 186]),
        (0.02, [773, 1_546, 3_091, 4_637]),
    ] {
        for (discordance, want) in [0.05, 0.1, 0.2, 0.3].into_iter().zip(want) {
            // Quoted to the nearest question, up or down.
            near("n", needed(discordance, margin), f64::from(want), 0.72);
        }
    }
    let miller = |repeats: f64| {
        let arm = Arm {
            variance: 1.0 / 6.0,
            repeats,
        };
        questions_for_arms(1.0 / 9.0, [arm, arm], 0.03, Design::DIFFERENCE).unwrap()
    };
    for (repeats, want) in [(1.0, "3876"), (10.0, "1260"), (f64::INFINITY, "969")] {
        printed("Miller", miller(repeats), want);
    }
    // Section 1: a fixed threshold of 0.85 on 20 cases.
    let passes = |p| threshold_pass_probability(20, p, 0.85).unwrap();
    printed("false alarm", 100.0 * (1.0 - passes(0.9)), "13");
    printed("false pass", 100.0 * passes(0.8), "41");
}
