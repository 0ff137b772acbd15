//! What a run will do, checked before anything is asked or deployed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use eval_suite::cost::PriceTable;
use eval_suite::dataset::DatasetReader;
use eval_suite::evaluator::{self, Evaluator, Setup, judged, registry};
use eval_suite::gate::Gates;
use eval_suite::judge::{self, Judge};
use eval_suite::results::{EvaluatorIdentity, MANIFEST_VERSION, Manifest};
use serde_json::{Map, Value, json};

use super::target::Target;
use super::{Args, now, refused};
use crate::cli::Context;
use crate::config::{ConfigError, Paths};
use crate::deploy::run_id;
use crate::environment::Environment;

/// Longest name of a run.
const MAX_NAME: usize = 128;

/// A checked run.
pub(super) struct Plan {
    pub(super) manifest: Manifest,
    pub(super) directory: PathBuf,
    pub(super) dataset: DatasetReader,
    pub(super) evaluators: Vec<Box<dyn Evaluator>>,
    pub(super) setup: Setup,
    pub(super) prices: PriceTable,
    /// What judges, where an evaluator asks for a judge.
    judge: Option<judge::Config>,
    /// The evaluators that were asked for; all without any.
    names: Vec<String>,
    pub(super) target: Target,
    pub(super) baseline: Option<Target>,
    pub(super) early_stop: bool,
    pub(super) seed: u64,
    pub(super) is_resumed: bool,
    begun: Option<Manifest>,
}

impl Plan {
    /// Reads and checks everything a run needs.
    pub(super) fn read(args: &Args, ctx: &Context) -> anyhow::Result<Self> {
        let paths = &ctx.config.paths;
        let run_id = match args.resume.as_ref().or(args.run.as_ref()) {
            Some(name) => checked_name(name)?,
            None => run_id("eval", ctx.now()),
        };
        let directory = paths.root.join("target/eval").join(&run_id);
        let begun = match &args.resume {
            Some(_) => Some(begun(&directory, &run_id, paths)?),
            None => None,
        };
        let path = match (&args.dataset, &begun) {
            (Some(path), _) => path.clone(),
            (None, Some(_)) => Manifest::dataset(&directory),
            (None, None) => paths.root.join("datasets/golden.jsonl"),
        };
        let dataset = DatasetReader::open(&path)?;
        let prices = PriceTable::load(&paths.prices())?;
        let gates = Gates::load(&paths.gates(), &registry::names())?;
        let names = evaluator_names(args, begun.as_ref());
        let asks_judge = |name: &String| judged::find(name).is_some();
        let mut on_judge = gates.judged;
        on_judge.extend(names.iter().filter(|name| asks_judge(name)).cloned());
        on_judge.sort();
        on_judge.dedup();
        if !names.is_empty() {
            on_judge.retain(|name| names.contains(name));
        }
        let judge = if on_judge.is_empty() && !dataset.evaluators().iter().any(asks_judge) {
            None
        } else {
            match gates.judge {
                Some(config) if !args.judge.is_given() => Some(config),
                _ => Some(args.judge.config(ctx)?),
            }
        };
        let setup = Setup {
            budgets: gates.budgets,
            prices: Some(prices.clone()),
            judge: None,
            judged: on_judge,
        };
        let evaluators = chosen(evaluator::all(&setup), &names)?;
        let address =
            |given: &Option<String>, then: Option<&String>| given.as_ref().or(then).cloned();
        let then = begun.as_ref();
        let target = match address(&args.target, then.map(|then| &then.target.address)) {
            Some(text) => Target::parse("--target", &text)?,
            None => Target::Ephemeral,
        };
        let baseline = then.and_then(|then| Some(&then.baseline.as_ref()?.address));
        let baseline = match address(&args.baseline, baseline) {
            Some(text) => Some(Target::parse("--baseline", &text)?),
            None => None,
        };
        let order = Order::of(args, then, &run_id)?;
        if order.random && baseline.is_none() {
            return Err(
                ConfigError::new("--early-stop", "there is nothing to be worse than")
                    .hint("name the agent to compare with: `--baseline ARN|URL`")
                    .into(),
            );
        }
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            run_id,
            dataset: dataset.name.clone(),
            dataset_hash: dataset.hash.clone(),
            cases: dataset.count(),
            trials: args.trials.or(then.map(|then| then.trials)).unwrap_or(1),
            target: target.record("head"),
            baseline: baseline.as_ref().map(|baseline| baseline.record("base")),
            evaluators: identities(&evaluators),
            simulated: false,
            metadata: order.metadata(),
            started_at: now(ctx)?,
            finished_at: None,
            stopped: None,
        };
        let mut plan = Self {
            manifest,
            directory,
            dataset,
            evaluators,
            setup,
            prices,
            judge,
            names,
            target,
            baseline,
            early_stop: order.random,
            seed: order.seed,
            is_resumed: begun.is_some(),
            begun,
        };
        if plan.judge.is_none() {
            plan.settle()?;
        }
        Ok(plan)
    }

    /// Connects the judge, if one is asked for: only then are the evaluators' identities known.
    pub(super) async fn connect(
        &mut self,
        environment: Option<&Environment>,
    ) -> anyhow::Result<()> {
        let (Some(config), Some(environment)) = (&self.judge, environment) else {
            return Ok(());
        };
        let settings = environment.settings.all();
        let judge = Judge::connect(settings, config.clone(), Some(self.prices.clone())).await;
        let judge = judge.context("connect the judge")?;
        self.setup.judge = Some(Arc::new(judge));
        self.evaluators = chosen(evaluator::all(&self.setup), &self.names)?;
        self.manifest.evaluators = identities(&self.evaluators);
        self.settle()
    }

    /// Refuses to resume what was begun otherwise.
    fn settle(&mut self) -> anyhow::Result<()> {
        if let Some(begun) = self.begun.take() {
            begun.check_resumed(&self.manifest).map_err(refused)?;
            self.manifest = begun;
        }
        Ok(())
    }

    /// Whether anything but a process on a port is needed.
    pub(super) fn needs_environment(&self) -> bool {
        let targets = [Some(&self.target), self.baseline.as_ref()];
        self.judge.is_some()
            || targets
                .into_iter()
                .flatten()
                .any(|target| !matches!(target, Target::Http(_)))
    }

    fn calls(&self) -> usize {
        self.manifest.tally(&[]).planned()
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        let mut plan = json!(self.manifest);
        plan["dry_run"] = true.into();
        plan["invocations"] = self.calls().into();
        plan
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = &self.manifest;
        writeln!(
            f,
            "Run {}: {} questions of {} x {} trials against {}",
            run.run_id, run.cases, run.dataset, run.trials, self.target
        )?;
        if let Some(baseline) = &self.baseline {
            writeln!(f, "  compared with {baseline}")?;
        }
        let names: Vec<_> = run.evaluators.iter().map(|one| one.name.as_str()).collect();
        writeln!(f, "  evaluators: {}", names.join(", "))?;
        write!(f, "  calls of agents: {} or more, one a turn", self.calls())
    }
}

/// In which order the questions come.
struct Order {
    random: bool,
    seed: u64,
}

impl Order {
    /// A resumed run keeps the order it was begun with.
    fn of(args: &Args, begun: Option<&Manifest>, run_id: &str) -> Result<Self, ConfigError> {
        let Some(begun) = begun else {
            let seed = evaluator::identity_hash(&[run_id]);
            let seed = u64::from_str_radix(&seed, 16).unwrap_or_default();
            return Ok(Self {
                random: args.early_stop,
                seed: args.seed.unwrap_or(seed),
            });
        };
        let order = Self {
            random: begun
                .metadata
                .get("order")
                .is_some_and(|order| order == "random"),
            seed: begun
                .metadata
                .get("seed")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
        };
        if args.early_stop && !order.random {
            return Err(ConfigError::new(
                "--early-stop",
                "the run was begun in the dataset's order, and the test needs a random one fixed beforehand",
            )
            .hint("begin a new run with it"));
        }
        Ok(order)
    }

    fn metadata(&self) -> Map<String, Value> {
        let order = if self.random { "random" } else { "dataset" };
        Map::from_iter([
            ("order".to_owned(), order.into()),
            ("seed".to_owned(), self.seed.into()),
        ])
    }
}

fn begun(directory: &std::path::Path, run_id: &str, paths: &Paths) -> anyhow::Result<Manifest> {
    if !Manifest::exists(directory) {
        let what = format!("there is no run `{run_id}` in {}", paths.shown(directory));
        return Err(ConfigError::new("--resume", what).into());
    }
    Ok(Manifest::load(directory)?)
}

/// The names that were asked for, or those the run was begun with.
fn evaluator_names(args: &Args, begun: Option<&Manifest>) -> Vec<String> {
    match begun {
        Some(begun) if args.evaluators.is_empty() => begun
            .evaluators
            .iter()
            .map(|one| one.name.clone())
            .collect(),
        _ => args.evaluators.clone(),
    }
}

fn identities(evaluators: &[Box<dyn Evaluator>]) -> Vec<EvaluatorIdentity> {
    evaluators
        .iter()
        .map(|evaluator| EvaluatorIdentity {
            name: evaluator.name().to_owned(),
            identity: evaluator.identity(),
        })
        .collect()
}

/// The evaluators of these names, in the usual order; all without names.
fn chosen(
    all: Vec<Box<dyn Evaluator>>,
    names: &[String],
) -> Result<Vec<Box<dyn Evaluator>>, ConfigError> {
    if names.is_empty() {
        return Ok(all);
    }
    let known: Vec<&str> = all.iter().map(|evaluator| evaluator.name()).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(ConfigError::new(
            "--evaluators",
            format!("there is no evaluator `{name}` of replies"),
        )
        .hint(format!("there are {}", known.join(", "))));
    }
    Ok(all
        .into_iter()
        .filter(|evaluator| names.iter().any(|name| name == evaluator.name()))
        .collect())
}

/// The name becomes a folder, so it may not lead elsewhere.
fn checked_name(name: &str) -> Result<String, ConfigError> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !name.starts_with('.')
        && (1..=MAX_NAME).contains(&name.len());
    if plain {
        Ok(name.to_owned())
    } else {
        Err(ConfigError::new(
            "--run",
            format!("`{name}` is no name: expected letters, digits, `-`, `_` and `.` only"),
        ))
    }
}
