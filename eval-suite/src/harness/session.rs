//! What the items of one run share: files, one target, the results so far.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use super::config::Config;
use super::ephemeral::Ephemeral;
use super::latch::Latch;
use super::target::{GATE_WAIT_LIMIT, Target};
use super::{HarnessError, note, story};
use crate::client::AgentClient;
use crate::cost::PriceTable;
use crate::dataset::Dataset;
use crate::evaluator::{self, Evaluator, Setup};
use crate::experiment::{CaseRunner, chain};
use crate::gate::{self, Cases, Gates, Verdict};
use crate::results::{self, Arm, ItemResult, Journal};

pub(super) struct Session {
    config: Config,
    pub(super) dataset: Dataset,
    pub(super) gates: Gates,
    evaluators: Vec<Box<dyn Evaluator>>,
    prices: Option<PriceTable>,
    /// Made by the first case; the others wait for it, and share its failure.
    started: OnceLock<Result<Started, String>>,
    items: Mutex<BTreeMap<String, ItemResult>>,
    cases: Latch,
}

/// What exists only while cases run.
struct Started {
    runtime: tokio::runtime::Runtime,
    client: Box<dyn AgentClient>,
    journal: Journal,
    ephemeral: Mutex<Option<Ephemeral>>,
}

impl Session {
    /// Reads files; starts nothing.
    pub(super) fn new(
        config: Config,
        dataset: Dataset,
        gates: Gates,
    ) -> Result<Self, HarnessError> {
        let prices = gates.prices.as_deref().map(PriceTable::load).transpose()?;
        let evaluators = evaluator::all(&Setup {
            budgets: gates.budgets,
            prices: prices.clone(),
            ..Setup::default()
        });
        let (started, items, cases) = (OnceLock::new(), Mutex::default(), Latch::default());
        Ok(Self {
            config,
            dataset,
            gates,
            evaluators,
            prices,
            started,
            items,
            cases,
        })
    }

    /// How many cases this run will see.
    pub(super) fn expect_cases(&self, count: usize) {
        self.cases.expect(count);
    }

    /// Asks one case; the error is the whole story of why it does not pass, where passing is required.
    pub(super) fn run_case(&self, case_id: &str) -> Result<(), String> {
        let _arrival = self.cases.arrival();
        let case = self
            .dataset
            .case(case_id)
            .ok_or_else(|| format!("no case is called `{case_id}`"))?;
        let started = self
            .started
            .get_or_init(|| self.start())
            .as_ref()
            .map_err(Clone::clone)?;
        let runner = CaseRunner {
            client: started.client.as_ref(),
            evaluators: &self.evaluators,
            prices: self.prices.as_ref(),
            deadline: self.config.case_deadline,
        };
        let item = started
            .runtime
            .block_on(runner.run(case, 1, &CancellationToken::new()));
        started
            .journal
            .append(&self.dataset.name, &self.dataset.hash, Arm::Head, &item)
            .map_err(|error| chain(&error))?;
        let story = (!item.passed()).then(|| story::of(case, &item, started.journal.path()));
        self.items().insert(case_id.to_owned(), item);
        match (story, self.gates.cases(&self.dataset.name)) {
            (None, _) => Ok(()),
            (Some(story), Cases::Required) => Err(story),
            (Some(story), Cases::Measured) => {
                note(&format!("eval: counted, not passed: {case_id}\n{story}"));
                Ok(())
            }
        }
    }

    /// Judges one gate once every selected case is done.
    pub(super) fn run_gate(&self, evaluator: &str) -> Result<(), String> {
        let late = self.cases.wait(GATE_WAIT_LIMIT);
        if late > 0 {
            return Err(format!(
                "{}: {late} cases are still running after {} s",
                Verdict::Inconclusive,
                GATE_WAIT_LIMIT.as_secs()
            ));
        }
        let gate = self
            .gates
            .of(&self.dataset.name)
            .find(|gate| gate.evaluator == evaluator)
            .ok_or_else(|| format!("no gate holds `{evaluator}`"))?;
        let items = self.all_items()?;
        let case_ids: Vec<&str> = self
            .dataset
            .cases
            .iter()
            .map(|case| case.id.as_str())
            .collect();
        let outcome = gate::judge(
            gate,
            &self.gates.policy,
            &case_ids,
            &items.values().collect::<Vec<_>>(),
        );
        match outcome.verdict {
            Verdict::Pass => Ok(()),
            Verdict::Regressed | Verdict::Inconclusive => {
                Err(format!("{outcome}\n  gate: {}", gate.reason))
            }
        }
    }

    /// This process's results, and those other processes of the same run have written.
    fn all_items(&self) -> Result<BTreeMap<String, ItemResult>, String> {
        let mut items = BTreeMap::new();
        if self.config.run_is_shared {
            let recorded = results::read(&self.config.results.join("results.jsonl"))
                .map_err(|error| chain(&error))?;
            // Results of another dataset, or of another version of this one, say nothing here.
            let ours = recorded.into_iter().filter(|record| {
                record.dataset == self.dataset.name && record.dataset_hash == self.dataset.hash
            });
            items.extend(ours.map(|record| (record.item.case_id.clone(), record.item)));
        }
        items.extend(
            self.items()
                .iter()
                .map(|(id, item)| (id.clone(), item.clone())),
        );
        Ok(items)
    }

    fn start(&self) -> Result<Started, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("start the asynchronous runtime: {error}"))?;
        let journal = Journal::open(&self.config.results, &self.config.run_id)
            .map_err(|error| chain(&error))?;
        let target = Target::start(&self.config, &runtime)
            .map_err(|error| format!("there is no agent to evaluate: {error}"))?;
        Ok(Started {
            runtime,
            client: target.client,
            journal,
            ephemeral: Mutex::new(target.ephemeral),
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

    /// Says where the results lie.
    pub(super) fn report_place(&self) {
        if let Some(Ok(started)) = self.started.get() {
            note(&format!(
                "eval: results in {}",
                started.journal.path().display()
            ));
        }
    }

    fn items(&self) -> MutexGuard<'_, BTreeMap<String, ItemResult>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
