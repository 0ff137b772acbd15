//! The statistics against scipy, statsmodels, krippendorff and ppi-python on random inputs.

use super::*;
use eval_suite::stats::SignFlip;

/// Relative deviation allowed; absolute below 1.
const TOLERANCE: f64 = 1e-9;

/// Follows the largest deviation of a table, which the failure message tells.
struct Table {
    name: &'static str,
    rows: Vec<Value>,
    worst: f64,
    /// Rows with a deviation above the tolerance.
    off: Vec<String>,
    tolerance: f64,
}

impl Table {
    fn read(name: &'static str) -> Self {
        let file: Value =
            serde_json::from_str(include_str!("../../vectors/scipy-vectors.json")).unwrap();
        let rows = file[name].as_array().unwrap().clone();
        assert!(rows.len() >= 10, "{name} has {} rows", rows.len());
        Self {
            name,
            rows,
            worst: 0.0,
            off: Vec::new(),
            tolerance: TOLERANCE,
        }
    }

    /// Compares each row's statistics, given as (have, want).
    #[expect(clippy::print_stderr, reason = "shown by --nocapture")]
    fn check(mut self, of: impl Fn(&Value) -> Vec<(f64, f64)>) {
        for row in &self.rows {
            for (have, want) in of(row) {
                let deviation = (have - want).abs() / want.abs().max(1.0);
                self.worst = self.worst.max(deviation);
                if deviation.is_nan() || deviation > self.tolerance {
                    self.off.push(format!("{have} is not {want}: {row}"));
                }
            }
        }
        assert!(
            self.off.is_empty(),
            "{}: largest deviation {:e}\n{}",
            self.name,
            self.worst,
            self.off.join("\n")
        );
        // Shown by `--nocapture`: the figure a report wants.
        eprintln!("{}: largest deviation {:e}", self.name, self.worst);
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn index(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn ends(have: Interval, want: &Value) -> [(f64, f64); 2] {
    [(have.lo, number(&want[0])), (have.hi, number(&want[1]))]
}

fn tails(have: SignFlip, want: &Value) -> [(f64, f64); 3] {
    [
        (have.two_sided, number(&want["two_sided"])),
        (have.less, number(&want["less"])),
        (have.greater, number(&want["greater"])),
    ]
}

#[test]
fn rates() {
    Table::read("rates").check(|row| {
        let (s, n, confidence) = (
            index(&row["s"]),
            index(&row["n"]),
            number(&row["confidence"]),
        );
        let methods: [(&str, Interval); 3] = [
            ("wilson", wilson_interval(s, n, confidence).unwrap()),
            (
                "clopper_pearson",
                clopper_pearson(s, n, confidence).unwrap(),
            ),
            ("jeffreys", jeffreys(s, n, confidence).unwrap()),
        ];
        methods
            .iter()
            .flat_map(|(name, have)| ends(*have, &row[*name]))
            .collect()
    });
}

#[test]
fn clustered_means() {
    Table::read("clustered_means").check(|row| {
        let clusters: Vec<u64> = serde_json::from_value(row["clusters"].clone()).unwrap();
        let have = clustered_mean(&floats(&row["values"]), &clusters).unwrap();
        let [lo, hi] = ends(have.interval(0.95), &row["ci"]);
        let mean = (have.mean, number(&row["mean"]));
        vec![mean, (have.standard_error, number(&row["se"])), lo, hi]
    });
}

#[test]
fn paired() {
    Table::read("paired").check(|row| {
        let have = paired_difference(&floats(&row["head"]), &floats(&row["base"])).unwrap();
        let [lo, hi] = ends(have.interval, &row["ci"]);
        vec![
            (have.t, number(&row["t"])),
            (have.p, number(&row["p"])),
            (have.estimate().p_less(0.0), number(&row["less"])),
            lo,
            hi,
        ]
    });
}

#[test]
fn sign_flips() {
    Table::read("sign_flips").check(|row| tails(sign_flip(&floats(&row["d"])), row).to_vec());
}

#[test]
fn signed_ranks() {
    Table::read("signed_ranks").check(|row| {
        let have = wilcoxon_signed_rank(&floats(&row["d"])).unwrap();
        let p = if row["method"] == "exact" {
            have.exact
        } else {
            have.normal
        };
        let mut pairs = tails(p.unwrap(), row).to_vec();
        pairs.push((have.positive, number(&row["positive"])));
        pairs
    });
}

#[test]
fn friedmans() {
    Table::read("friedmans").check(|row| {
        let scores: Vec<Vec<f64>> = serde_json::from_value(row["scores"].clone()).unwrap();
        let have = friedman(&scores).unwrap();
        vec![
            (have.statistic, number(&row["statistic"])),
            (have.p, number(&row["p"])),
        ]
    });
}

#[test]
fn mcnemars() {
    Table::read("mcnemars").check(|row| {
        let (w, l) = (index(&row["w"]), index(&row["l"]));
        let have = mcnemar(w, l);
        vec![
            (have.exact, number(&row["exact"])),
            (have.chi_square.unwrap(), number(&row["chi"])),
            (have.chi_square_p.unwrap(), number(&row["chi_p"])),
            (exact_worse(w, l), number(&row["worse"])),
        ]
    });
}

#[test]
fn adjusted() {
    Table::read("adjusted").check(|row| {
        let p_values = floats(&row["p"]);
        let both = [
            (holm(&p_values).unwrap(), floats(&row["holm"])),
            (benjamini_hochberg(&p_values).unwrap(), floats(&row["bh"])),
        ];
        both.into_iter()
            .flat_map(|(have, want)| have.into_iter().zip(want))
            .collect()
    });
}

#[test]
fn kappas() {
    Table::read("kappas").check(|row| {
        let table = Confusion::new(serde_json::from_value(row["table"].clone()).unwrap()).unwrap();
        let all = [
            ("unweighted", Weights::Unweighted),
            ("linear", Weights::Linear),
            ("quadratic", Weights::Quadratic),
        ];
        all.map(|(name, weights)| (cohen_kappa(&table, weights).unwrap(), number(&row[name])))
            .to_vec()
    });
}

#[test]
fn alphas() {
    Table::read("alphas").check(|row| {
        let ratings: Vec<Vec<Option<f64>>> =
            serde_json::from_value(row["ratings"].clone()).unwrap();
        let all = [
            ("nominal", Scale::Nominal),
            ("ordinal", Scale::Ordinal),
            ("interval", Scale::Interval),
            ("ratio", Scale::Ratio),
        ];
        all.map(|(name, scale)| {
            let have = krippendorff_alpha(&ratings, scale).unwrap();
            (have, number(&row[name]))
        })
        .to_vec()
    });
}

#[test]
fn posteriors() {
    Table::read("posteriors").check(|row| {
        let trials = |pair: &Value| Trials {
            passed: index(&pair[0]),
            n: index(&pair[1]),
        };
        let have = probability_worse(trials(&row["base"]), trials(&row["head"])).unwrap();
        vec![(have, number(&row["worse"]))]
    });
}

#[test]
fn e_values() {
    Table::read("e_values").check(|row| {
        let (w, l) = (index(&row["w"]), index(&row["l"]));
        vec![
            (e_value_worse(w, l), number(&row["worse"])),
            (e_value_different(w, l), number(&row["different"])),
        ]
    });
}

#[test]
fn predictions() {
    Table::read("predictions").check(|row| {
        let (labels, on_labelled, on_unlabelled) =
            (floats(&row["y"]), floats(&row["f"]), floats(&row["g"]));
        let data = Predictions {
            labels: &labels,
            on_labelled: &on_labelled,
            on_unlabelled: &on_unlabelled,
        };
        vec![
            (tuned_lambda(data).unwrap(), number(&row["lambda"])),
            (
                prediction_powered(data, 1.0).unwrap().estimate,
                number(&row["plain"]),
            ),
            (
                prediction_powered_tuned(data).unwrap().estimate,
                number(&row["tuned"]),
            ),
        ]
    });
}
