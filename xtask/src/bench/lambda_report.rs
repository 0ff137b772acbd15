//! From samples to a table: medians, ratios, aims.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::spread::{Spread, digits};

/// Ratios wanted, and the size that a zip must stay below.
const INIT_AIM: f64 = 10.0;
const CPU_AIM: f64 = 10.0;
const MEMORY_AIM: f64 = 4.0;
const ZIP_AIM_MB: f64 = 5.0;

/// Both functions over TLS, the CA file holding one authority: the series in Python's favour.
const ONE_CA: &str = "tls_one_ca";
/// The same, the CA file holding the public authorities too, as on a usual machine.
const BUNDLE: &str = "tls_bundle";
/// Both without TLS.
const PLAIN: &str = "http";
/// Python without its AWS SDK, without TLS.
const BARE: &str = "python_without_sdk";

/// What `lambda_bench.py` prints.
#[derive(Debug, Deserialize)]
pub(super) struct Measured {
    /// Version of the interpreter.
    python: String,
    /// Size of our deployment package.
    zip_bytes: u64,
    /// Series, then function, then one sample a process.
    samples: BTreeMap<String, BTreeMap<String, Vec<Sample>>>,
}

/// One process.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Sample {
    init_ms: f64,
    first_answer_ms: f64,
    cpu_ms: f64,
    peak_rss_mb: f64,
}

/// The benchmark's result.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    python: String,
    rows: Vec<Row>,
    zip: Zip,
}

/// One metric of both functions; lower is better.
#[derive(Debug, Serialize)]
struct Row {
    metric: &'static str,
    ours: Spread,
    python: Spread,
    /// Median of Python over median of ours.
    ratio: f64,
    /// Least ratio wanted; none when the row is for comparison only.
    aim: Option<f64>,
    met: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Zip {
    megabytes: f64,
    aim_below_megabytes: f64,
    met: bool,
}

impl Report {
    /// Ratios of medians against the aims.
    pub(super) fn new(measured: &Measured) -> Result<Self> {
        type Metric = (&'static str, &'static str, fn(&Sample) -> f64, Option<f64>);
        let metrics: [Metric; 9] = [
            ("start to ready, ms", ONE_CA, |s| s.init_ms, Some(INIT_AIM)),
            (
                "start to first answer, ms",
                ONE_CA,
                |s| s.first_answer_ms,
                Some(INIT_AIM),
            ),
            (
                "CPU of an invocation, TLS, public CA bundle, ms",
                BUNDLE,
                |s| s.cpu_ms,
                Some(CPU_AIM),
            ),
            (
                "CPU of an invocation, TLS, one CA, ms",
                ONE_CA,
                |s| s.cpu_ms,
                Some(CPU_AIM),
            ),
            (
                "peak memory, MB",
                ONE_CA,
                |s| s.peak_rss_mb,
                Some(MEMORY_AIM),
            ),
            (
                "CPU of an invocation, no TLS, ms",
                PLAIN,
                |s| s.cpu_ms,
                None,
            ),
            (
                "start to ready, Python without boto3, ms",
                BARE,
                |s| s.init_ms,
                None,
            ),
            (
                "start to first answer, Python without boto3, ms",
                BARE,
                |s| s.first_answer_ms,
                None,
            ),
            (
                "peak memory, Python without boto3, MB",
                BARE,
                |s| s.peak_rss_mb,
                None,
            ),
        ];
        let rows = metrics.into_iter().map(|(metric, series, value, aim)| {
            // Without the SDK there is no series of ours: the plain one is the same for us.
            let of_ours = if series == BARE { PLAIN } else { series };
            let ours = spread(measured, of_ours, "ours", value)?;
            let python = spread(measured, series, "python", value)?;
            let ratio = python.median / ours.median;
            Ok(Row {
                metric,
                ours,
                python,
                ratio,
                aim,
                met: aim.map(|aim| ratio >= aim),
            })
        });
        let megabytes = measured.zip_bytes as f64 / 1e6;
        Ok(Self {
            version: 1,
            python: measured.python.clone(),
            rows: rows.collect::<Result<_>>()?,
            zip: Zip {
                megabytes,
                aim_below_megabytes: ZIP_AIM_MB,
                met: megabytes < ZIP_AIM_MB,
            },
        })
    }

    /// Whether every row that has an aim meets it.
    pub(super) fn all_met(&self) -> bool {
        self.zip.met && self.rows.iter().all(|row| row.met != Some(false))
    }
}

fn spread(
    measured: &Measured,
    series: &str,
    function: &str,
    value: fn(&Sample) -> f64,
) -> Result<Spread> {
    let samples = measured
        .samples
        .get(series)
        .and_then(|functions| functions.get(function));
    let samples = samples.with_context(|| format!("no samples of {function} in {series}"))?;
    let values = samples.iter().map(value).collect();
    Spread::of(values).with_context(|| format!("no samples of {function} in {series}"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.rows.first().map_or(0, |row| row.ours.count);
        writeln!(
            f,
            "One purchase order by `get_complete_po_data`, ours beside Python {} with awslambdaric and boto3.",
            self.python
        )?;
        writeln!(
            f,
            "Medians and (min..max) of {count} processes of each, started in turns.\n"
        )?;
        writeln!(
            f,
            "{:49} {:>22} {:>24} {:>7}  aim",
            "", "ours", "Python", "ratio"
        )?;
        for row in &self.rows {
            let aim = match (row.aim, row.met) {
                (Some(aim), Some(true)) => format!("{aim}x met"),
                (Some(aim), _) => format!("{aim}x MISSED"),
                (None, _) => "-".to_owned(),
            };
            let ratio = format!("{}x", digits(row.ratio));
            writeln!(
                f,
                "{:49} {:>22} {:>24} {ratio:>7}  {aim}",
                row.metric,
                row.ours.to_string(),
                row.python.to_string()
            )?;
        }
        writeln!(
            f,
            "{:49} {:>22} {:>24} {:>7}  below {} {}",
            "zip with the binary, MB",
            digits(self.zip.megabytes),
            "",
            "",
            self.zip.aim_below_megabytes,
            if self.zip.met { "met" } else { "MISSED" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(of_init: &[f64], cpu_ms: f64, peak_rss_mb: f64) -> Vec<Sample> {
        let sample = |init_ms: &f64| Sample {
            init_ms: *init_ms,
            first_answer_ms: init_ms * 2.0,
            cpu_ms,
            peak_rss_mb,
        };
        of_init.iter().map(sample).collect()
    }

    fn measured(cpu_ms: f64, zip_bytes: u64) -> Measured {
        let both = |ours, python| {
            BTreeMap::from([("ours".to_owned(), ours), ("python".to_owned(), python)])
        };
        let series = [ONE_CA, BUNDLE, PLAIN, BARE].map(|name| {
            let ours = samples(&[2.0, 9.0, 1.0], 0.5, 8.0);
            (
                name.to_owned(),
                both(ours, samples(&[90.0, 400.0, 100.0, 110.0], cpu_ms, 48.0)),
            )
        });
        Measured {
            python: "3.12.1".to_owned(),
            zip_bytes,
            samples: series.into(),
        }
    }

    #[test]
    fn a_ratio_is_of_medians_and_an_aim_includes_its_own_value() {
        let report = Report::new(&measured(5.0, 4_999_999)).expect("all series are there");
        let row = &report.rows[0];
        assert_eq!(
            (row.ours.median, row.ours.min, row.ours.max),
            (2.0, 1.0, 9.0)
        );
        assert_eq!((row.python.median, row.ratio), (105.0, 52.5));
        assert!(report.all_met(), "{report}");
        for (cpu_ms, zip_bytes) in [(4.9, 1), (5.0, 5_000_000)] {
            let report = Report::new(&measured(cpu_ms, zip_bytes)).expect("all series are there");
            assert!(!report.all_met(), "{report}");
            assert!(report.to_string().contains("MISSED"), "{report}");
        }
    }

    #[test]
    fn a_series_that_is_missing_or_empty_is_an_error() {
        let mut measured = measured(5.0, 1);
        measured.samples.insert(PLAIN.to_owned(), BTreeMap::new());
        assert!(Report::new(&measured).is_err());
    }
}
