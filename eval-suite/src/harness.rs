//! Every case and every gate as a test item.
//!
//! Items are called `<dataset file stem>::<case id>` and `gate::<stem>::<evaluator>`, for every dataset of the suite.
//! Listing reads files and starts nothing. A run starts one target when the first case needs it, runs exactly the
//! selected cases, judges the selected gates once these are done, and stops what it started. Each dataset leaves a
//! run's folder, `target/eval/<run id>/<stem>`, that `cargo xtask eval gate` judges again.
//!
//! A gate is judged on all cases of its dataset. When only some were run it is inconclusive, which
//! fails with that message, unless the run's results file (same `EVAL_RUN_ID`) holds the others. What that file holds is
//! not asked again: the recorded result stands, also when a test runner repeats an item that failed.
//!
//! Under a test runner with a process an item (nextest) the processes share one agent and the results on disk.

mod config;
mod ephemeral;
mod holder;
mod latch;
mod replay;
mod session;
mod story;
mod suite;
mod target;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Conclusion, Trial};

pub use config::{
    Config, ConfigError, EVAL_CASE_SECONDS, EVAL_DATASET, EVAL_RUN_ID, EVAL_TARGET, EVAL_TRIALS,
    NEXTEST_RUN_ID,
};
pub use target::TargetSpec;

use crate::dataset::{Dataset, DatasetError};
use crate::evaluator::registry;
use crate::gate::{GateConfigError, Gates};
use session::Session;

/// Why no item could be run.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The dataset is faulty.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The gates are faulty.
    #[error(transparent)]
    Gates(#[from] GateConfigError),
    /// The price table is faulty.
    #[error(transparent)]
    Prices(#[from] crate::cost::PriceError),
    /// Without a gate nothing judges the run as a whole, and green would mean less than it seems.
    #[error("no gate of eval-suite/gates.toml names dataset `{0}`: add a [[gates]] entry for it")]
    NoGate(String),
    /// Two datasets whose items could not be told apart.
    #[error("{0}: another dataset of the suite has the same file name, which names its items")]
    SameStem(String),
}

/// The whole `main` of the test binary: 0 when every selected item passes, 101 when one fails, 2
/// when a file or setting is faulty.
pub fn main(manifest_dir: &str) -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this binary reads the environment"
    )]
    let lookup = |name: &str| std::env::var(name).ok();
    let config = Config::from_lookup(Path::new(manifest_dir), lookup).map_err(HarnessError::from);
    if lookup(holder::HOLD).is_some() {
        return match config
            .map_err(|error| error.to_string())
            .and_then(|config| holder::hold(&config))
        {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                note(&format!("error: {error}"));
                ExitCode::from(2)
            }
        };
    }
    let outcome = config.and_then(|config| run(&Arguments::from_args(), config));
    match outcome {
        Ok(conclusion) => conclusion.exit_code(),
        Err(error) => {
            note(&format!("error: {}", crate::experiment::chain(&error)));
            ExitCode::from(2)
        }
    }
}

/// Lists or runs the items the arguments select.
///
/// # Errors
/// [`HarnessError`] before any item is run: a fault in a file or a setting.
pub fn run(arguments: &Arguments, config: Config) -> Result<Conclusion, HarnessError> {
    let gates = Gates::load(&config.gates, &registry::names())?;
    let datasets = datasets(&config, &gates)?;
    let session = Arc::new(Session::new(config, datasets, gates)?);
    // Whatever happens from here on, what was started is stopped.
    let _stop = StopOnDrop(Arc::clone(&session));

    let (mut cases, mut gates) = (Vec::new(), Vec::new());
    for (index, suite) in session.suites.iter().enumerate() {
        let of_suite = suite.dataset.cases.iter();
        cases.extend(of_suite.map(|case| case_trial(&session, index, &case.id)));
        let before = gates.len();
        let of_suite = session.gates.of(&suite.dataset.name);
        gates.extend(of_suite.map(|gate| gate_trial(&session, index, &gate.evaluator)));
        if gates.len() == before {
            return Err(HarnessError::NoGate(suite.dataset.name.clone()));
        }
    }
    let selected = cases
        .iter()
        .filter(|trial| !arguments.is_filtered_out(trial) && !arguments.is_ignored(trial))
        .count();
    session.expect_cases(selected);
    // Items start in this order, so a gate never takes a thread from a case that has not started.
    let trials = cases.into_iter().chain(gates).collect();
    let conclusion = libtest_mimic::run(arguments, trials);
    if !arguments.list && selected > 0 {
        session.finish();
    }
    Ok(conclusion)
}

/// The datasets asked for, else those of the gate file, else the golden one.
fn datasets(config: &Config, gates: &Gates) -> Result<Vec<Dataset>, HarnessError> {
    let golden = [config.root.join("datasets").join("golden.jsonl")];
    let paths = [&config.datasets, &gates.suite, golden.as_slice()];
    let paths = paths.into_iter().find(|paths| !paths.is_empty());
    let mut datasets: Vec<Dataset> = Vec::new();
    for path in paths.unwrap_or_default() {
        let dataset = Dataset::load(path)?;
        if datasets.iter().any(|other| other.stem() == dataset.stem()) {
            return Err(HarnessError::SameStem(path.display().to_string()));
        }
        datasets.push(dataset);
    }
    Ok(datasets)
}

struct StopOnDrop(Arc<Session>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn case_trial(session: &Arc<Session>, suite: usize, case_id: &str) -> Trial {
    let name = format!("{}::{case_id}", session.suites[suite].dataset.stem());
    let (session, case_id) = (Arc::clone(session), case_id.to_owned());
    Trial::test(name, move || {
        session.run_case(suite, &case_id).map_err(Into::into)
    })
}

fn gate_trial(session: &Arc<Session>, suite: usize, evaluator: &str) -> Trial {
    let name = format!(
        "gate::{}::{evaluator}",
        session.suites[suite].dataset.stem()
    );
    let (session, evaluator) = (Arc::clone(session), evaluator.to_owned());
    Trial::test(name, move || {
        session.run_gate(suite, &evaluator).map_err(Into::into)
    })
}

/// A line for the person who runs the tests. Standard output belongs to the list of items.
#[expect(
    clippy::print_stderr,
    reason = "the harness's one way to speak to people"
)]
fn note(text: &str) {
    eprintln!("{text}");
}
