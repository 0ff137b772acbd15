//! From runs of programs to tables: medians, ratios, targets.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::spread::{Spread, digits};

const BARE: &str = "bare";
const OURS: &str = "ours";
/// In the order of the table, with the names people know.
const PROGRAMS: [(&str, &str); 4] = [
    (BARE, "bare client"),
    (OURS, "eval run"),
    ("promptfoo", "promptfoo"),
    ("inspect_ai", "Inspect AI"),
];

/// First request to last answer, over the bare client's.
const SPAN_AIM: f64 = 1.05;
/// Start of the process to the first request.
const START_AIM_MS: f64 = 300.0;
/// CPU of a peer over ours.
const CPU_AIM: f64 = 30.0;
/// Peak memory that a further case or line adds: an entry of an index and some figures, never a case or a result.
const MEMORY_AIM_BYTES: f64 = 256.0;

/// What `eval_bench.py` prints.
#[derive(Debug, Deserialize)]
pub(super) struct Measured {
    cores: u32,
    /// Program, or memory run, then one sample a run.
    samples: BTreeMap<String, Samples>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Samples {
    Many(Vec<Sample>),
    One(Sample),
}

impl Samples {
    fn all(&self) -> &[Sample] {
        match self {
            Self::Many(samples) => samples,
            Self::One(sample) => std::slice::from_ref(sample),
        }
    }
}

/// One process, from its start to its end. The agent's view is missing where none was asked.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Sample {
    first_request_ms: f64,
    span_ms: f64,
    most_at_once: f64,
    agent_cpu_s: f64,
    wall_ms: f64,
    cpu_s: f64,
    peak_rss_mb: f64,
}

/// The programs beside each other.
#[derive(Debug, Serialize)]
pub(super) struct SpeedReport {
    version: u32,
    settings: String,
    cores: u32,
    programs: Vec<Program>,
    targets: Vec<Target>,
}

/// One program; less is better, except for `most_at_once`.
#[derive(Debug, Serialize)]
struct Program {
    name: &'static str,
    /// Start of the process to the first request.
    first_request_ms: Spread,
    /// First request to last answer, as the agent saw it.
    span_ms: Spread,
    /// Median over the bare client's.
    span_over_bare: f64,
    wall_ms: Spread,
    cpu_s: Spread,
    /// Median over ours.
    cpu_over_ours: f64,
    peak_rss_mb: Spread,
    most_at_once: Spread,
    /// What the agent used meanwhile; the same work for all.
    agent_cpu_s: Spread,
}

/// What was promised, and what came out.
#[derive(Debug, Serialize)]
struct Target {
    what: String,
    measured: f64,
    aim: f64,
    held: bool,
}

impl Target {
    fn at_most(what: impl Into<String>, measured: f64, aim: f64) -> Self {
        Self {
            what: format!("{}, at most {aim}", what.into()),
            measured,
            aim,
            held: measured <= aim,
        }
    }

    fn at_least(what: impl Into<String>, measured: f64, aim: f64) -> Self {
        Self {
            what: format!("{}, at least {aim}", what.into()),
            measured,
            aim,
            held: measured >= aim,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.held { "held  " } else { "MISSED" };
        // Near 1 the third decimal counts.
        let measured = if self.measured < 2.0 {
            format!("{:.3}", self.measured)
        } else {
            digits(self.measured)
        };
        write!(f, "{verdict} {}: {measured}", self.what)
    }
}

impl SpeedReport {
    /// Medians against the targets.
    pub(super) fn new(measured: &Measured, settings: &str) -> Result<Self> {
        let median = |name, value| Ok::<_, anyhow::Error>(spread(measured, name, value)?.median);
        let bare_span_ms = median(BARE, |s| s.span_ms)?;
        let our_cpu_s = median(OURS, |s| s.cpu_s)?;
        let present = PROGRAMS
            .iter()
            .filter(|(key, _)| measured.samples.contains_key(*key));
        let programs = present.map(|&(key, name)| {
            let of = |value| spread(measured, key, value);
            let (span_ms, cpu_s) = (of(|s| s.span_ms)?, of(|s| s.cpu_s)?);
            Ok(Program {
                name,
                first_request_ms: of(|s| s.first_request_ms)?,
                span_ms,
                span_over_bare: span_ms.median / bare_span_ms,
                wall_ms: of(|s| s.wall_ms)?,
                cpu_s,
                cpu_over_ours: cpu_s.median / our_cpu_s,
                peak_rss_mb: of(|s| s.peak_rss_mb)?,
                most_at_once: of(|s| s.most_at_once)?,
                agent_cpu_s: of(|s| s.agent_cpu_s)?,
            })
        });
        let programs = programs.collect::<Result<Vec<_>>>()?;
        let mut targets = vec![
            Target::at_most(
                "eval run: first request to last answer over the bare client's",
                median(OURS, |s| s.span_ms)? / bare_span_ms,
                SPAN_AIM,
            ),
            Target::at_most(
                "eval run: start to first request, ms",
                median(OURS, |s| s.first_request_ms)?,
                START_AIM_MS,
            ),
        ];
        targets.extend(programs.iter().skip(2).map(|peer| {
            let what = format!("CPU of {} over that of eval run", peer.name);
            Target::at_least(what, peer.cpu_over_ours, CPU_AIM)
        }));
        Ok(Self {
            version: 1,
            settings: settings.to_owned(),
            cores: measured.cores,
            programs,
            targets,
        })
    }

    /// Whether every target is held.
    pub(super) fn all_met(&self) -> bool {
        self.targets.iter().all(|target| target.held)
    }
}

fn spread(measured: &Measured, program: &str, value: fn(&Sample) -> f64) -> Result<Spread> {
    let samples = measured.samples.get(program);
    let values = samples.map(|samples| samples.all().iter().map(value).collect());
    values
        .and_then(Spread::of)
        .with_context(|| format!("no samples of {program}"))
}

impl fmt::Display for SpeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}.", self.settings)?;
        writeln!(
            f,
            "Medians and (min..max), programs started in turns, {} cores.\n",
            self.cores
        )?;
        writeln!(
            f,
            "{:12} {:>22} {:>24} {:>8} {:>20} {:>8} {:>20} {:>8} {:>10}",
            "",
            "first request, ms",
            "to last answer, ms",
            "x bare",
            "CPU, s",
            "x ours",
            "peak memory, MB",
            "at once",
            "agent, s"
        )?;
        for program in &self.programs {
            writeln!(
                f,
                "{:12} {:>22} {:>24} {:>8.3} {:>20} {:>8} {:>20} {:>8} {:>10}",
                program.name,
                program.first_request_ms.to_string(),
                program.span_ms.to_string(),
                program.span_over_bare,
                program.cpu_s.to_string(),
                digits(program.cpu_over_ours),
                program.peak_rss_mb.to_string(),
                program.most_at_once.median,
                digits(program.agent_cpu_s.median),
            )?;
        }
        writeln!(f)?;
        for target in &self.targets {
            writeln!(f, "{target}")?;
        }
        Ok(())
    }
}

/// Peak memory of few and of many cases.
#[derive(Debug, Serialize)]
pub(super) struct MemoryReport {
    version: u32,
    cores: u32,
    rows: Vec<MemoryRow>,
    targets: Vec<Target>,
}

#[derive(Debug, Serialize)]
struct MemoryRow {
    what: String,
    peak_rss_mb: f64,
    wall_ms: f64,
    cpu_s: f64,
}

impl MemoryReport {
    /// Few against many, for experiments and for `eval score`.
    pub(super) fn new(measured: &Measured, cases: [u32; 2]) -> Result<Self> {
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for (prefix, what) in [("", "cases of eval run"), ("score_", "lines of eval score")] {
            let mut peaks = Vec::new();
            for count in cases {
                let key = format!("{prefix}{count}");
                let sample = measured.samples.get(&key);
                let sample = sample
                    .and_then(|samples| samples.all().first())
                    .with_context(|| format!("no sample of {key}"))?;
                peaks.push(sample.peak_rss_mb);
                rows.push(MemoryRow {
                    what: format!("{count} {what}"),
                    peak_rss_mb: sample.peak_rss_mb,
                    wall_ms: sample.wall_ms,
                    cpu_s: sample.cpu_s,
                });
            }
            let further = f64::from(cases[1]) - f64::from(cases[0]);
            let added = ((peaks[1] - peaks[0]) * 1e6 / further).max(0.0);
            let ratio = peaks[1] / peaks[0];
            let what = format!(
                "{what}: {ratio:.2} times the memory for {} as for {}; bytes a further one adds",
                cases[1], cases[0]
            );
            targets.push(Target::at_most(what, added, MEMORY_AIM_BYTES));
        }
        Ok(Self {
            version: 1,
            cores: measured.cores,
            rows,
            targets,
        })
    }

    /// Whether memory stays flat.
    pub(super) fn met(&self) -> bool {
        self.targets.iter().all(|target| target.held)
    }
}

impl fmt::Display for MemoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:28} {:>16} {:>10} {:>10}",
            "", "peak memory, MB", "wall, s", "CPU, s"
        )?;
        for row in &self.rows {
            writeln!(
                f,
                "{:28} {:>16} {:>10} {:>10}",
                row.what,
                digits(row.peak_rss_mb),
                digits(row.wall_ms / 1e3),
                digits(row.cpu_s)
            )?;
        }
        writeln!(f)?;
        for target in &self.targets {
            writeln!(f, "{target}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(span_ms: f64, cpu_s: f64) -> Sample {
        Sample {
            span_ms,
            cpu_s,
            first_request_ms: 300.0,
            peak_rss_mb: 20.0,
            ..Sample::default()
        }
    }

    fn measured(ours: Sample) -> Measured {
        let program = |name: &str, of: Sample| (name.to_owned(), Samples::Many(vec![of]));
        Measured {
            cores: 2,
            samples: BTreeMap::from([
                program(BARE, sample(400.0, 0.1)),
                program(OURS, ours),
                program("promptfoo", sample(9000.0, 6.0)),
            ]),
        }
    }

    #[test]
    fn a_target_includes_its_own_value() {
        let check = |ours: Sample, held: [bool; 3]| {
            let report = SpeedReport::new(&measured(ours), "").expect("a report");
            let found: Vec<bool> = report.targets.iter().map(|target| target.held).collect();
            assert_eq!(found, held, "{report}");
            assert_eq!(report.all_met(), held == [true; 3]);
        };
        check(sample(420.0, 0.2), [true; 3]);
        check(sample(421.0, 0.2), [false, true, true]);
        check(sample(420.0, 0.21), [true, true, false]);
        let slow_start = Sample {
            first_request_ms: 301.0,
            ..sample(420.0, 0.2)
        };
        check(slow_start, [true, false, true]);
    }

    #[test]
    fn without_the_bare_client_there_is_no_report() {
        let mut measured = measured(sample(1.0, 1.0));
        measured.samples.remove(BARE);
        assert!(SpeedReport::new(&measured, "").is_err());
    }

    #[test]
    fn memory_that_grows_is_seen() {
        let with = |peak_rss_mb: f64| {
            let one = |peak_rss_mb| {
                Samples::One(Sample {
                    peak_rss_mb,
                    ..Sample::default()
                })
            };
            let keys = ["5000", "50000", "score_5000", "score_50000"];
            let peaks = [20.0, peak_rss_mb, 10.0, 10.0];
            let samples = keys.iter().zip(peaks);
            let samples = samples.map(|(key, peak)| ((*key).to_owned(), one(peak)));
            let measured = Measured {
                cores: 2,
                samples: samples.collect(),
            };
            MemoryReport::new(&measured, [5_000, 50_000]).map(|report| report.met())
        };
        assert_eq!(with(31.5).ok(), Some(true));
        assert_eq!(with(31.6).ok(), Some(false));
        assert_eq!(with(19.0).ok(), Some(true), "less is fine too");
    }
}
