//! `hpo`: tries a space of hyperparameters on the golden dataset and recommends one configuration.

mod journal;
mod ranking;
mod report;
mod space;
mod study;

use std::path::PathBuf;

use anyhow::Context as _;
use eval_suite::cost::PriceTable;
use eval_suite::dataset::Dataset;
use eval_suite::evaluator::{self, Budgets, Setup, registry};
use eval_suite::gate::Gates;
use eval_suite::langfuse::LangfuseClient;
use futures::StreamExt as _;
use futures::stream;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use crate::cli::Context;
use crate::config::{ConfigError, load_toml};
use crate::deploy::preflight;
use crate::deploy::runtime::check_environment;
use crate::deploy::{Deployer, agent_environment, base_hyperparameters};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Format;
use journal::Journal;
use report::{Frame, Report};
use space::{Candidate, StudyFile};
use study::Study;

/// Agents started at once to ask them about a candidate.
const CONCURRENT_CHECKS: usize = 8;

/// Arguments of `hpo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The study [default: xtask/flywheel/config/hpo.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The questions, instead of the study's dataset
    #[arg(long, value_name = "FILE")]
    dataset: Option<PathBuf>,

    /// Check the files, print the plan and stop
    #[arg(long)]
    dry_run: bool,
}

/// A checked study: nothing in it can be refused later for being written wrongly.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The study file's name, for messages.
    pub(crate) shown: String,
    /// The study file.
    pub(crate) file: StudyFile,
    /// The questions.
    pub(crate) dataset: Dataset,
    /// What is tried.
    pub(crate) candidates: Vec<Candidate>,
    /// What tokens cost.
    pub(crate) prices: PriceTable,
    /// What the evaluators of time and money score against; the same as in the gates.
    pub(crate) budgets: Budgets,
}

impl Plan {
    fn read(args: &Args, ctx: &Context) -> anyhow::Result<Self> {
        let paths = &ctx.config.paths;
        let path = args
            .config
            .clone()
            .unwrap_or_else(|| paths.config_dir().join("hpo.toml"));
        let shown = paths.shown(&path);
        let file: StudyFile = load_toml(&path, &shown)?;
        let candidates = space::candidates(&file, &base_hyperparameters(paths)?, paths, &shown)?;
        let dataset = args
            .dataset
            .clone()
            .unwrap_or_else(|| paths.root.join(&file.dataset));
        let dataset = Dataset::load(&dataset)?;
        let prices = PriceTable::load(&paths.prices())?;
        let budgets = Gates::load(&paths.gates(), &registry::names())?.budgets;
        Ok(Self {
            shown,
            file,
            dataset,
            candidates,
            prices,
            budgets,
        })
    }

    fn json(&self, environment: &str) -> serde_json::Value {
        json!({
            "version": 1,
            "dry_run": true,
            "name": self.file.name,
            "environment": environment,
            "dataset": { "name": self.dataset.name, "hash": self.dataset.hash, "cases": self.dataset.cases.len() },
            "candidates": self.candidates,
            "invocations": self.candidates.len() * self.dataset.cases.len(),
        })
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (candidates, cases) = (self.candidates.len(), self.dataset.cases.len());
        writeln!(
            f,
            "Study {}: {candidates} candidates x {cases} questions of {}",
            self.file.name, self.dataset.name
        )?;
        for candidate in &self.candidates {
            writeln!(f, "  {}  {}", candidate.id, candidate.label())?;
        }
        write!(
            f,
            "{} runtimes at a time, {} questions each; quality margin {}",
            self.file.limits.concurrent_deployments,
            self.file.limits.concurrent_cases,
            self.file.objective.quality_margin
        )
    }
}

/// Runs `hpo`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let plan = Plan::read(args, ctx)?;
    if args.dry_run {
        ctx.console.data(&match ctx.console.format() {
            Format::Json => plan.json(&ctx.environment).to_string(),
            Format::Human => plan.to_string(),
        });
        return Ok(Exit::Done);
    }
    check_startable(&plan, ctx).await?;
    let environment = ctx.open_environment().await?;
    check_deployable(&plan, &environment)?;
    let langfuse = langfuse(&environment, ctx).await?;
    let started_at = now(ctx);
    let deployer = Deployer::open(&environment, ctx, "hpo").await?;
    ctx.console.note(&format!(
        "Study {}: {}",
        deployer.run,
        plan.to_string().lines().next().unwrap_or_default()
    ));
    let files = report::files(&ctx.config.paths, &deployer.run);
    let dir = report::studies_dir(&ctx.config.paths).join(&deployer.run);
    let journal = Journal::open(&dir, &deployer.run, &plan.dataset.hash, &plan.candidates)?;
    let evaluators = evaluator::all(&Setup {
        budgets: plan.budgets,
        prices: Some(plan.prices.clone()),
        ..Setup::default()
    });
    let study = Study {
        plan: &plan,
        deployer: &deployer,
        environment: &environment,
        langfuse: langfuse.as_ref(),
        prices: &plan.prices,
        evaluators: &evaluators,
        journal: &journal,
        ctx,
    };
    let outcomes = deployer.finish(&ctx.cancel, study.run()).await?;
    let frame = Frame {
        study: deployer.run.clone(),
        environment: environment.name.clone(),
        started_at,
        finished_at: now(ctx),
    };
    let report = Report::new(&plan, frame, &outcomes, files);
    report
        .write(&plan, &outcomes, &ctx.config.paths)
        .context("write the reports")?;
    ctx.console.data(&match ctx.console.format() {
        Format::Json => serde_json::to_string(&report)?,
        Format::Human => report::table(&report),
    });
    Ok(if report.is_partial() {
        Exit::Partial
    } else {
        Exit::Done
    })
}

/// What the agent itself says of each candidate.
async fn check_startable(plan: &Plan, ctx: &Context) -> Result<(), ConfigError> {
    let checks = plan.candidates.iter().map(async |candidate| {
        let place = format!(
            "{}: candidate {} ({})",
            plan.shown,
            candidate.id,
            candidate.label()
        );
        preflight::check(&ctx.config.paths, &place, &candidate.hyperparameters).await
    });
    let mut checks = stream::iter(checks).buffered(CONCURRENT_CHECKS);
    while let Some(checked) = checks.next().await {
        checked?;
    }
    Ok(())
}

/// The limits that depend on the environment, before anything is created in it.
fn check_deployable(plan: &Plan, environment: &Environment) -> anyhow::Result<()> {
    for candidate in &plan.candidates {
        let variables = agent_environment(&environment.settings, &candidate.hyperparameters)?;
        check_environment(&candidate.id, &variables)?;
    }
    Ok(())
}

async fn langfuse(
    environment: &Environment,
    ctx: &Context,
) -> anyhow::Result<Option<LangfuseClient>> {
    match environment.langfuse().await? {
        Some([host, public, secret]) => Ok(Some(LangfuseClient::new(&host, public, secret)?)),
        None => {
            ctx.console
                .note("No Langfuse is configured here: the results are in the report only.");
            Ok(None)
        }
    }
}

fn now(ctx: &Context) -> String {
    let second = ctx
        .now()
        .replace_nanosecond(0)
        .unwrap_or_else(|_| ctx.now());
    second.format(&Rfc3339).unwrap_or_default()
}
