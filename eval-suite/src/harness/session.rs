//! What the items of one run share: files, one target, the results so far.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::ephemeral::Ephemeral;
use super::holder::Alive;
use super::latch::Latch;
use super::replay::keep_origin;
use super::suite::{Opened, Suite};
use super::target::{GATE_WAIT_LIMIT, Target};
use super::{HarnessError, note, story};
use crate::client::{AgentClient, Environment};
use crate::cost::PriceTable;
use crate::dataset::{Case, Dataset};
use crate::evaluator::{self, Setup};
use crate::experiment::{CaseRunner, chain};
use crate::gate::{self, Baselines, Cases, Evidence, Gates, Verdict};
use crate::judge::Judge;
use crate::results::{Arm, ItemResult};

/// Pause of a gate between two looks at the other processes of its run.
const GATE_POLL: Duration = Duration::from_millis(250);
/// How long a gate that misses cases waits for a process that is just starting.
const GATE_GRACE: Duration = Duration::from_secs(5);

pub(super) struct Session {
    config: Config,
    pub(super) suites: Vec<Suite>,
    pub(super) gates: Gates,
    prices: Option<PriceTable>,
    /// What evaluators get; made by the first case, because a judge is reached in the target's environment.
    setup: OnceLock<Result<Setup, String>>,
    /// Made by the first case; the others wait for it, and share its failure.
    started: OnceLock<Result<Started, String>>,
    cases: Latch,
}

/// What exists only while cases run.
struct Started {
    runtime: tokio::runtime::Runtime,
    client: Option<Box<dyn AgentClient>>,
    /// Where the target lives, and the judge with it.
    environment: Environment,
    ephemeral: Mutex<Option<Ephemeral>>,
    _alive: Option<Alive>,
}

impl Session {
    /// Reads files; starts nothing.
    pub(super) fn new(
        config: Config,
        datasets: Vec<Dataset>,
        gates: Gates,
    ) -> Result<Self, HarnessError> {
        let prices = gates.prices.as_deref().map(PriceTable::load).transpose()?;
        let suites = datasets
            .into_iter()
            .map(|dataset| Suite::new(dataset, &config))
            .collect();
        Ok(Self {
            config,
            suites,
            gates,
            prices,
            setup: OnceLock::new(),
            started: OnceLock::new(),
            cases: Latch::default(),
        })
    }

    /// How many cases this run will see.
    pub(super) fn expect_cases(&self, count: usize) {
        self.cases.expect(count);
    }

    /// Asks one case, as often as there are trials; the error is the whole story of why it does not pass, where
    /// passing is required.
    pub(super) fn run_case(&self, suite: usize, case_id: &str) -> Result<(), String> {
        let _arrival = self.cases.arrival();
        let suite = &self.suites[suite];
        let case = suite
            .dataset
            .case(case_id)
            .ok_or_else(|| format!("no case is called `{case_id}`"))?;
        let setup = self
            .setup
            .get_or_init(|| self.setup())
            .as_ref()
            .map_err(Clone::clone)?;
        let opened = suite.open(&self.config, setup)?;
        let mut stories = Vec::new();
        for trial in 1..=self.config.trials {
            let item = self.trial(suite, opened, setup, case, trial)?;
            if !item.passed() {
                let head = match self.config.trials {
                    1 => String::new(),
                    trials => format!("trial      {trial} of {trials}\n"),
                };
                stories.push(head + &story::of(case, &item, opened.journal.path()));
            }
        }
        match (stories.is_empty(), self.gates.cases(&suite.dataset.name)) {
            (true, _) => Ok(()),
            (false, Cases::Required) => Err(stories.join("\n")),
            (false, Cases::Measured) => {
                note(&format!(
                    "eval: counted, not passed: {case_id}\n{}",
                    stories.join("\n")
                ));
                Ok(())
            }
        }
    }

    /// The result of one trial: the recorded one of this run when there is one, so that a retry is no second chance.
    fn trial(
        &self,
        suite: &Suite,
        opened: &Opened,
        setup: &Setup,
        case: &Case,
        trial: u32,
    ) -> Result<ItemResult, String> {
        if let Some(item) = opened.recorded.get(&(case.id.clone(), trial)) {
            return Ok(item.clone());
        }
        let started = self.started()?;
        let mut evaluators = evaluator::all(setup);
        evaluators.extend(evaluator::for_case(case, setup));
        let ask = |client: &dyn AgentClient| {
            let runner = CaseRunner {
                client,
                evaluators: &evaluators,
                prices: self.prices.as_ref(),
                deadline: self.config.case_deadline,
            };
            started
                .runtime
                .block_on(runner.run(case, trial, &CancellationToken::new()))
        };
        let item = match (&opened.recording, &started.client) {
            (Some(recording), _) => {
                let (client, recorded) = recording.session(case, trial)?;
                keep_origin(ask(&client), recorded)
            }
            (None, Some(client)) => ask(client.as_ref()),
            (None, None) => return Err("there is no agent to evaluate".to_owned()),
        };
        opened
            .journal
            .append(&suite.dataset.name, &suite.dataset.hash, Arm::Head, &item)
            .map_err(|error| chain(&error))?;
        Ok(item)
    }

    /// Judges one gate once every selected case is done.
    pub(super) fn run_gate(&self, suite: usize, evaluator: &str) -> Result<(), String> {
        let suite = &self.suites[suite];
        let late = self.cases.wait(GATE_WAIT_LIMIT);
        if late > 0 {
            return Err(format!(
                "{}: {late} cases are still running after {} s",
                Verdict::Inconclusive,
                GATE_WAIT_LIMIT.as_secs()
            ));
        }
        if self.config.process_per_item {
            self.wait_for_other_processes(suite)?;
            suite.conclude()?;
        }
        let gate = self
            .gates
            .of(&suite.dataset.name)
            .find(|gate| gate.evaluator == evaluator)
            .ok_or_else(|| format!("no gate holds `{evaluator}`"))?;
        let run = suite.scores()?;
        let baselines = Baselines::of([gate], &suite.plan, &run);
        let outcome = gate::judge(
            gate,
            &self.gates.policy,
            &Evidence {
                plan: &suite.plan,
                head: &run.head,
                baseline: baselines.for_gate(gate),
                stopped: None,
                calibrations: &self.gates.calibrations,
            },
        );
        match outcome.verdict {
            Verdict::Pass => Ok(()),
            Verdict::Regressed | Verdict::Inconclusive => {
                Err(format!("{outcome}\n  gate: {}", gate.reason))
            }
        }
    }

    /// Where every item is a process, cases of this run may still be asked by others: waits until all have a result,
    /// or nobody asks any more.
    fn wait_for_other_processes(&self, suite: &Suite) -> Result<(), String> {
        let end = Instant::now() + GATE_WAIT_LIMIT;
        let mut quiet_since = Instant::now();
        while Instant::now() < end {
            if Alive::any(&self.config.results)? {
                quiet_since = Instant::now();
            } else if quiet_since.elapsed() >= GATE_GRACE
                || suite.scores()?.head.absent(&suite.plan) == 0
            {
                break;
            }
            thread::sleep(GATE_POLL);
        }
        Ok(())
    }

    fn started(&self) -> Result<&Started, String> {
        self.started
            .get_or_init(|| self.start())
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Budgets, prices and, where the gate file names one, a judge.
    fn setup(&self) -> Result<Setup, String> {
        let judge = match &self.gates.judge {
            None => None,
            Some(config) => {
                let started = self.started()?;
                let judge =
                    Judge::connect(&started.environment, config.clone(), self.prices.clone());
                let judge = started.runtime.block_on(judge);
                Some(Arc::new(judge.map_err(|error| chain(&error))?))
            }
        };
        Ok(Setup {
            budgets: self.gates.budgets,
            prices: self.prices.clone(),
            judge,
            judged: self.gates.judged.clone(),
        })
    }

    fn start(&self) -> Result<Started, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("start the asynchronous runtime: {error}"))?;
        let alive = self
            .config
            .process_per_item
            .then(|| Alive::announce(&self.config.results))
            .transpose()?;
        let target = Target::start(&self.config, &runtime)
            .map_err(|error| format!("there is no agent to evaluate: {error}"))?;
        Ok(Started {
            runtime,
            client: target.client,
            environment: target.environment,
            ephemeral: Mutex::new(target.ephemeral),
            _alive: alive,
        })
    }

    /// Stops what was started for this run. Calling it again does nothing.
    pub(super) fn stop(&self) {
        if let Some(Ok(started)) = self.started.get() {
            let ephemeral = started
                .ephemeral
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(ephemeral) = ephemeral {
                note("eval: destroying the agent of this run");
                ephemeral.stop();
            }
        }
    }

    /// Completes the documents of the run, and says where they lie.
    pub(super) fn finish(&self) {
        for suite in self.suites.iter().filter(|suite| suite.is_open()) {
            let concluded = if self.config.process_per_item {
                Ok(())
            } else {
                suite.conclude()
            };
            if let Err(error) = concluded {
                note(&format!("eval: {error}"));
            }
            // One process of many sees only its own cases; `eval report` is for afterwards.
            let report = (!self.config.process_per_item)
                .then(|| crate::report::write(&suite.folder, &suite.folder));
            match report {
                Some(Ok(_)) => note(&format!(
                    "eval: results in {}, report.html among them",
                    suite.folder.display()
                )),
                Some(Err(error)) => note(&format!(
                    "eval: results in {}, without a report: {}",
                    suite.folder.display(),
                    chain(&error)
                )),
                None => note(&format!("eval: results in {}", suite.folder.display())),
            }
        }
    }
}
