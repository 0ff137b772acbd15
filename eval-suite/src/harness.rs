//! Every case and every gate as a test item.
//!
//! Items are called `<dataset file stem>::<case id>` and `gate::<stem>::<evaluator>`. Listing reads
//! files and starts nothing. A run starts one target when the first case needs it, runs exactly the
//! selected cases, judges the selected gates once these are done, and stops what it started.
//!
//! A gate is judged on all cases of its dataset. When only some were run it is inconclusive, which
//! fails with that message, unless the run's results file (same `EVAL_RUN_ID`) holds the others.

mod config;
mod ephemeral;
mod latch;
mod session;
mod story;
mod target;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Conclusion, Trial};

pub use config::{
    Config, ConfigError, EVAL_CASE_SECONDS, EVAL_DATASET, EVAL_RUN_ID, EVAL_TARGET, NEXTEST_RUN_ID,
};
pub use target::TargetSpec;

use crate::dataset::{Dataset, DatasetError};
use crate::evaluator;
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
}

/// The whole `main` of the test binary: 0 when every selected item passes, 101 when one fails, 2
/// when a file or setting is faulty.
pub fn main(manifest_dir: &str) -> ExitCode {
    let arguments = Arguments::from_args();
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this binary reads the environment"
    )]
    let lookup = |name: &str| std::env::var(name).ok();
    let outcome = Config::from_lookup(Path::new(manifest_dir), lookup)
        .map_err(HarnessError::from)
        .and_then(|config| run(&arguments, config));
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
    let dataset = Dataset::load(&config.dataset)?;
    let names = evaluator::names();
    let gates = Gates::load(&config.gates, &names)?;
    let session = Arc::new(Session::new(config, dataset, gates)?);
    // Whatever happens from here on, what was started is stopped.
    let _stop = StopOnDrop(Arc::clone(&session));

    let cases = session
        .dataset
        .cases
        .iter()
        .map(|case| case_trial(&session, &case.id))
        .collect::<Vec<_>>();
    let selected = cases
        .iter()
        .filter(|trial| !arguments.is_filtered_out(trial) && !arguments.is_ignored(trial))
        .count();
    session.expect_cases(selected);
    // Items start in this order, so a gate never takes a thread from a case that has not started.
    let gates: Vec<_> = session
        .gates
        .of(&session.dataset.name)
        .map(|gate| gate_trial(&session, &gate.evaluator))
        .collect();
    if gates.is_empty() {
        return Err(HarnessError::NoGate(session.dataset.name.clone()));
    }
    let trials = cases.into_iter().chain(gates).collect();
    let conclusion = libtest_mimic::run(arguments, trials);
    if !arguments.list && selected > 0 {
        session.report_place();
    }
    Ok(conclusion)
}

struct StopOnDrop(Arc<Session>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn case_trial(session: &Arc<Session>, case_id: &str) -> Trial {
    let name = format!("{}::{case_id}", session.dataset.stem());
    let (session, case_id) = (Arc::clone(session), case_id.to_owned());
    Trial::test(name, move || session.run_case(&case_id).map_err(Into::into))
}

fn gate_trial(session: &Arc<Session>, evaluator: &str) -> Trial {
    let name = format!("gate::{}::{evaluator}", session.dataset.stem());
    let (session, evaluator) = (Arc::clone(session), evaluator.to_owned());
    Trial::test(name, move || {
        session.run_gate(&evaluator).map_err(Into::into)
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
