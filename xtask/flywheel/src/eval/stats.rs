//! `eval stats`: the statistics of this project on anybody's numbers.

use std::path::PathBuf;

use clap::Parser;
use eval_suite::stats::agreement::{Scale, krippendorff_alpha};
use eval_suite::stats::mean::{MeanEstimate, clustered_mean, clustered_rate, sample_mean};
use eval_suite::stats::rate::wilson_score;
use eval_suite::stats::repeats::{Trials, pass_at_k, pass_hat_k};
use eval_suite::stats::{CONFIDENCE, Interval, Undefined};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::input::Lines;
use crate::cli::Context;
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `eval stats`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// Read JSON lines from this file instead of standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Two-sided confidence of every interval
    #[arg(long, default_value_t = CONFIDENCE, value_parser = confidence)]
    confidence: f64,
}

/// One line: what the numbers in it are decides what is computed.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Scores(Scores),
    Passed(Passed),
    Ratings(Ratings),
}

/// Scores, and which of them belong together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scores {
    scores: Vec<f64>,
    clusters: Option<Vec<Value>>,
}

/// The trials of one case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Passed {
    passed: Vec<bool>,
    k: usize,
}

/// One row a rater, one column a unit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ratings {
    ratings: Vec<Vec<Option<f64>>>,
    scale: ScaleName,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScaleName {
    Nominal,
    Ordinal,
    Interval,
    Ratio,
}

impl From<ScaleName> for Scale {
    fn from(name: ScaleName) -> Self {
        match name {
            ScaleName::Nominal => Self::Nominal,
            ScaleName::Ordinal => Self::Ordinal,
            ScaleName::Interval => Self::Interval,
            ScaleName::Ratio => Self::Ratio,
        }
    }
}

/// Runs `eval stats`.
pub(super) fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let mut lines = Lines::open(args.file.as_deref())?;
    let mut read_any = false;
    while let Some(line) = lines.next()? {
        let line: Line = serde_json::from_slice(&line).map_err(|_| {
            ConfigError::new(lines.place(), "these are no scores, trials or ratings").hint(
                "expected {\"scores\": [0.5, 1], \"clusters\": [\"a\", \"b\"]} (clusters may be left out), \
                 {\"passed\": [true, false], \"k\": 1} or {\"ratings\": [[1, 2], [1, null]], \"scale\": \"ordinal\"}",
            )
        })?;
        read_any = true;
        let row = line.row(args.confidence);
        ctx.console.data(&match ctx.console.format() {
            Format::Json => row.json().to_string(),
            Format::Human => row.shown(),
        });
    }
    if !read_any {
        return Err(
            ConfigError::new(lines.name(), "there is nothing to compute from")
                .hint("give one {\"scores\": [...]} a line")
                .into(),
        );
    }
    Ok(Exit::Done)
}

impl Line {
    fn row(self, confidence: f64) -> Row {
        match self {
            Self::Scores(scores) => scores.row(confidence),
            Self::Passed(Passed { passed, k }) => {
                let trials = Trials {
                    passed: passed.iter().filter(|passed| **passed).count(),
                    n: passed.len(),
                };
                Row::new(trials.n)
                    .number("pass_at_k", pass_at_k(trials, k))
                    .number("pass_hat_k", pass_hat_k(trials, k))
            }
            Self::Ratings(Ratings { ratings, scale }) => {
                let alpha = krippendorff_alpha(&ratings, scale.into());
                Row::new(ratings.first().map_or(0, Vec::len)).number("krippendorff_alpha", alpha)
            }
        }
    }
}

impl Scores {
    fn row(self, confidence: f64) -> Row {
        let Self { scores, clusters } = self;
        let n = scores.len();
        // One score has a mean, though nothing says how good it is.
        let mean = match (sample_mean(&scores), scores.as_slice()) {
            (Err(_), [one]) if one.is_finite() => Ok(*one),
            (estimate, _) => estimate.map(|estimate| estimate.mean),
        };
        let wilson = mean
            .clone()
            .and_then(|mean| all_rates(&scores, wilson_score(mean, n as f64, confidence)));
        let row = Row::new(n)
            .number("mean", mean)
            .estimate("", sample_mean(&scores), confidence)
            .interval("wilson", wilson);
        let Some(clusters) = clusters else { return row };
        // As text, so that the cluster "1" is not the cluster 1.
        let clusters: Vec<String> = clusters.iter().map(Value::to_string).collect();
        let rate = clustered_rate(&scores, &clusters, confidence);
        row.estimate("clustered_", clustered_mean(&scores, &clusters), confidence)
            .interval("clustered_wilson", rate.map(|rate| rate.interval))
    }
}

/// A Wilson interval of other numbers than rates would be nonsense even where their mean lies between 0 and 1.
fn all_rates(scores: &[f64], interval: Result<Interval, Undefined>) -> Result<Interval, Undefined> {
    match scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
        Some(score) => Err(Undefined::OutOfRange {
            what: "a score",
            value: *score,
            expected: "0 to 1",
        }),
        None => interval,
    }
}

/// What was computed from one line, in order.
struct Row {
    values: Map<String, Value>,
    undefined: Map<String, Value>,
}

impl Row {
    fn new(n: usize) -> Self {
        Self {
            values: Map::from_iter([("n".to_owned(), json!(n))]),
            undefined: Map::new(),
        }
    }

    fn with(mut self, name: &str, value: Result<Value, Undefined>) -> Self {
        let value = value.unwrap_or_else(|reason| {
            self.undefined
                .insert(name.to_owned(), json!(reason.to_string()));
            Value::Null
        });
        self.values.insert(name.to_owned(), value);
        self
    }

    fn number(self, name: &str, value: Result<f64, Undefined>) -> Self {
        self.with(name, value.map(|value| json!(value)))
    }

    fn interval(self, name: &str, interval: Result<Interval, Undefined>) -> Self {
        self.with(name, interval.map(|interval| json!(interval)))
    }

    /// Standard error, number of independent units and t interval.
    fn estimate(
        self,
        prefix: &str,
        estimate: Result<MeanEstimate, Undefined>,
        confidence: f64,
    ) -> Self {
        let error = estimate.clone().map(|estimate| estimate.standard_error);
        let units = estimate.clone().map(|estimate| json!(estimate.units));
        let row = self
            .number(&format!("{prefix}standard_error"), error)
            .interval(
                &format!("{prefix}interval"),
                estimate.map(|estimate| estimate.interval(confidence)),
            );
        if prefix.is_empty() {
            row
        } else {
            row.with("clusters", units)
        }
    }

    fn json(&self) -> Value {
        let mut document = json!({ "version": 1 });
        for (name, value) in &self.values {
            document[name] = value.clone();
        }
        document["undefined"] = Value::Object(self.undefined.clone());
        document
    }

    fn shown(&self) -> String {
        let shown = |(name, value): (&String, &Value)| {
            let value = match (value, self.undefined.get(name)) {
                (_, Some(reason)) => format!("none ({})", reason.as_str().unwrap_or_default()),
                (Value::Object(interval), _) => {
                    format!("{}..{}", digits(&interval["lo"]), digits(&interval["hi"]))
                }
                (value, _) => digits(value),
            };
            format!("{} {value}", name.replace('_', " "))
        };
        let shown: Vec<String> = self.values.iter().map(shown).collect();
        shown.join(" · ")
    }
}

/// A count as it is, any other number with four decimals.
fn digits(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if !value.is_u64() => format!("{number:.4}"),
        _ => value.to_string(),
    }
}

fn confidence(text: &str) -> Result<f64, String> {
    let expected = || format!("expected a number between 0 and 1, as 0.95, not `{text}`");
    let level: f64 = text.parse().map_err(|_| expected())?;
    if level > 0.0 && level < 1.0 {
        Ok(level)
    } else {
        Err(expected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, human: &str) {
        let line: Line = serde_json::from_str(line).expect("a line");
        assert_eq!(line.row(CONFIDENCE).shown(), human);
    }

    #[test]
    fn each_kind_of_line() {
        // The example of S2: 4 pairs.
        check(
            r#"{"scores": [0.6, 1, 0.4, 1, 0, 0.6, 1, 1], "clusters": [1, 1, 2, 2, 3, 3, 4, 4]}"#,
            "n 8 · mean 0.7000 · standard error 0.1309 · interval 0.3904..1.0096 · wilson 0.3662..0.9041 · \
             clustered standard error 0.1472 · clustered interval 0.2316..1.1684 · clusters 4 · \
             clustered wilson 0.3662..0.9041",
        );
        check(
            r#"{"passed": [true, true, false, false], "k": 2}"#,
            "n 4 · pass at k 0.8333 · pass hat k 0.1667",
        );
        check(
            r#"{"ratings": [[1, 2, 3], [1, 2, null]], "scale": "interval"}"#,
            "n 3 · krippendorff alpha 1.0000",
        );
    }

    #[test]
    fn what_is_undefined_says_why() {
        check(
            r#"{"scores": [3]}"#,
            "n 1 · mean 3.0000 · standard error none (1 values, at least 2 needed) · \
             interval none (1 values, at least 2 needed) · wilson none (a score is 3, expected 0 to 1)",
        );
        check(
            r#"{"passed": [true], "k": 2}"#,
            "n 1 · pass at k none (1 trials, at least 2 needed) · pass hat k none (1 trials, at least 2 needed)",
        );
        let row = serde_json::from_str::<Line>(r#"{"scores": [2, -1]}"#)
            .expect("a line")
            .row(CONFIDENCE)
            .json();
        assert_eq!(row["wilson"], Value::Null);
        assert_eq!(row["undefined"]["wilson"], "a score is 2, expected 0 to 1");
    }

    #[test]
    fn a_confidence_is_between_0_and_1() {
        assert_eq!(confidence("0.9"), Ok(0.9));
        for text in ["0", "1", "95", "NaN", "x"] {
            assert!(confidence(text).is_err(), "{text}");
        }
    }
}
