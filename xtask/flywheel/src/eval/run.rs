//! `eval run`: every question of a dataset to an agent, every evaluator on every answer, and a folder with the results.

mod plan;
mod publish;
mod report;
mod target;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use eval_suite::client::AgentClient;
use eval_suite::experiment::{Engine, EngineError, Finished, Limits, StopReason, chain};
use eval_suite::langfuse::LangfuseClient;
use eval_suite::results::{FolderError, Journal, JournalError, Manifest, Tally, folder};
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use self::plan::Plan;
use self::report::Report;
use self::target::Target;
use super::judge::JudgeArgs;
use crate::cli::Context;
use crate::config::ConfigError;
use crate::deploy::Deployer;
use crate::environment::Environment;
use crate::exit::{Exit, Interrupted};
use crate::output::Format;

/// Time between two writes of the results to the disk itself; a killed process loses nothing either way.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// Failures in a row that say nothing about the agent, until it counts as gone: this, or two rounds of questions.
const MIN_OUTAGE: usize = 10;

/// Results up to which the reports are written at the end: beyond, `eval report` does it, which needs the dataset in
/// memory.
const MOST_REPORTED: usize = 10_000;

/// Arguments of `eval run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The questions [default: datasets/golden.jsonl]
    #[arg(long, value_name = "FILE")]
    dataset: Option<PathBuf>,

    /// The agent: a runtime's ARN or the base URL of an agent process [default: an agent deployed for this run]
    #[arg(long, value_name = "ARN|URL")]
    target: Option<String>,

    /// A second agent, asked each question right before or after the first
    #[arg(long, value_name = "ARN|URL")]
    baseline: Option<String>,

    /// How often each question is asked [default: 1]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1000))]
    trials: Option<u32>,

    /// Questions with the agents at once; halved whenever an agent throttles, and raised again one by one
    #[arg(long, value_name = "N", default_value = "8")]
    concurrency: NonZeroUsize,

    /// Longest time for one answer
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = clap::value_parser!(u64).range(1..=900))]
    case_seconds: u64,

    /// Only these evaluators, besides those that single cases ask for [default: all that need no judge, and those that
    /// gates.toml lists as `judged`]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    evaluators: Vec<String>,

    /// Name of the run, and of its folder below target/eval [default: made from the time]
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    run: Option<String>,

    /// Go on with this run: only what is missing is asked, and what the agent failed at is not asked again
    #[arg(long, value_name = "RUN")]
    resume: Option<String>,

    /// Start no question that might take agents and judges together above this, earlier parts of the run included
    #[arg(long, value_name = "USD", value_parser = positive)]
    max_cost_usd: Option<f64>,

    /// Start no question after this time
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    max_minutes: Option<f64>,

    #[command(flatten)]
    judge: JudgeArgs,

    /// Stop as soon as the agent is shown to be worse than the baseline; questions come in random order
    #[arg(long)]
    early_stop: bool,

    /// Seed of the random order and of who is asked first [default: from the run's name]
    #[arg(long, conflicts_with = "resume")]
    seed: Option<u64>,

    /// Show the run in Langfuse as well
    #[arg(long)]
    langfuse: bool,

    /// Check everything, print the plan and stop
    #[arg(long)]
    dry_run: bool,
}

/// What the run needs beside its plan.
struct Agents {
    head: Arc<dyn AgentClient>,
    baseline: Option<Arc<dyn AgentClient>>,
    langfuse: Option<LangfuseClient>,
}

/// Runs `eval run`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let mut plan = Plan::read(args, ctx)?;
    if args.dry_run {
        ctx.console.data(&match ctx.console.format() {
            Format::Json => plan.json().to_string(),
            Format::Human => plan.to_string(),
        });
        return Ok(Exit::Done);
    }
    // An agent on a port needs no environment, and the run then starts at once.
    let environment = if plan.needs_environment() || args.langfuse {
        Some(ctx.open_environment().await?)
    } else {
        None
    };
    let environment = environment.as_ref();
    plan.connect(environment).await?;
    let baseline = match &plan.baseline {
        Some(target) => Some(target::client(target, environment)?),
        None => None,
    };
    let langfuse = match environment.filter(|_| args.langfuse) {
        Some(environment) => Some(langfuse(environment).await?),
        None => None,
    };
    let agents = |head| Agents {
        head,
        baseline,
        langfuse,
    };
    let (Target::Ephemeral, Some(environment)) = (&plan.target, environment) else {
        let head = target::client(&plan.target, environment)?;
        return drive(args, plan, agents(head), ctx).await;
    };
    let hyperparameters = target::hyperparameters(args.max_cost_usd, &plan.prices, ctx).await?;
    let deployer = Deployer::open(environment, ctx, "eval").await?;
    let work = async {
        let deploy = async {
            let image = deployer.publish().await?;
            deployer.start("agent", &image, &hyperparameters).await
        };
        let runtime = ctx.cancel.run_until_cancelled(deploy).await;
        let runtime = runtime.ok_or(Interrupted)??;
        let head = target::client(&Target::Runtime(runtime.arn), Some(environment))?;
        drive(args, plan, agents(head), ctx).await
    };
    // From here on an interrupt lets the questions under way finish; only then is the agent deleted.
    deployer.finish(&CancellationToken::new(), work).await
}

async fn langfuse(environment: &Environment) -> anyhow::Result<LangfuseClient> {
    let keys = environment.langfuse().await?.ok_or_else(|| {
        ConfigError::new(
            "--langfuse",
            "no Langfuse is configured in this environment",
        )
        .hint("set LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY")
    })?;
    let [host, public_key, secret_key] = keys;
    Ok(LangfuseClient::new(&host, public_key, secret_key)?)
}

/// Asks the questions, closes the folder, and says what came of it.
async fn drive(args: &Args, plan: Plan, agents: Agents, ctx: &Context) -> anyhow::Result<Exit> {
    let Plan {
        mut manifest,
        directory,
        mut dataset,
        evaluators,
        setup,
        prices,
        early_stop,
        seed,
        is_resumed,
        ..
    } = plan;
    let asked = dataset.evaluators().to_vec();
    let (journal, mut tally) = if is_resumed {
        let number = dataset.ids().enumerate().map(|(at, id)| (id, at)).collect();
        folder::reopen(&directory, &manifest, &asked, &number).map_err(refused)?
    } else {
        let journal = folder::begin(&directory, &manifest, &mut dataset).map_err(refused)?;
        (journal, manifest.tally(&asked))
    };
    let journal = Arc::new(journal);
    let already = tally.done();
    if is_resumed {
        ctx.console.note(&format!(
            "Resuming {}: {already} of {} results are there.",
            manifest.run_id,
            tally.planned()
        ));
        (manifest.finished_at, manifest.stopped) = (None, None);
        manifest.save(&directory)?;
    }

    let concurrency = args.concurrency.get();
    let engine = Engine {
        cases: &dataset,
        head: agents.head.as_ref(),
        baseline: agents.baseline.as_deref(),
        evaluators: &evaluators,
        setup: Some(&setup),
        prices: Some(&prices),
        trials: manifest.trials,
        concurrency,
        case_deadline: Duration::from_secs(args.case_seconds),
        limits: Limits {
            max_cost_usd: args.max_cost_usd,
            max_duration: args.max_minutes.map(|m| Duration::from_secs_f64(m * 60.0)),
            max_outages: Some(MIN_OUTAGE.max(2 * concurrency)),
        },
        early_stop,
        seed,
        drain: ctx.cancel.clone(),
        cancel: CancellationToken::new(),
    };
    let syncing = tokio::spawn(sync_now_and_then(Arc::clone(&journal)));
    let asked = ask(
        &engine,
        &mut tally,
        &journal,
        &mut manifest,
        &directory,
        ctx,
    )
    .await;
    syncing.abort();
    let stopped = asked?;

    manifest.simulated = tally.is_simulated();
    manifest.stopped = stopped.as_ref().map(ToString::to_string);
    manifest.finished_at = Some(ctx.now().format(&Rfc3339)?);
    journal.sync()?;
    manifest.save(&directory)?;
    if let Some(reason @ StopReason::CostUnknown { .. }) = &stopped {
        return Err(ConfigError::new("--max-cost-usd", reason)
            .hint("add the model to xtask/flywheel/config/prices.toml and resume the run")
            .into());
    }
    let mut report = Report::new(&manifest, &tally, ctx.config.paths.shown(&directory));
    if let Some(langfuse) = &agents.langfuse {
        report.langfuse = publish::publish(langfuse, &manifest, &directory).await;
        if let Some(page) = report.experiment_url() {
            manifest
                .metadata
                .insert("experiment_url".into(), page.into());
            manifest.save(&directory)?;
        }
    }
    if tally.planned() <= MOST_REPORTED {
        match eval_suite::report::write(&directory, &directory) {
            Ok(_) => report.page = Some(ctx.config.paths.shown(&directory.join("report.html"))),
            Err(error) => ctx
                .console
                .note(&format!("warning: no report of the run: {}", chain(&error))),
        }
    }
    ctx.console.data(&match ctx.console.format() {
        Format::Json => serde_json::to_string(&report)?,
        Format::Human => report.to_string(),
    });
    if stopped == Some(StopReason::Interrupted) {
        let run = &manifest.run_id;
        ctx.console
            .note(&format!("To go on: cargo xtask eval run --resume {run}"));
        return Ok(Exit::Interrupted);
    }
    Ok(if report.is_partial() {
        Exit::Partial
    } else {
        Exit::Done
    })
}

/// Asks what is missing; every result is in the journal before the next is looked at.
async fn ask(
    engine: &Engine<'_>,
    tally: &mut Tally,
    journal: &Journal,
    manifest: &mut Manifest,
    directory: &std::path::Path,
    ctx: &Context,
) -> anyhow::Result<Option<StopReason>> {
    let progress = ctx.console.progress("Questions", tally.planned() as u64);
    progress.skip(tally.done() as u64);
    let mut failed = 0_u64;
    let mut keep = |finished: Finished| -> Result<(), FolderError> {
        let item = &finished.item;
        // Whoever finds the folder of a killed run must not take simulated answers for real ones.
        if item.is_simulated() && !manifest.simulated {
            manifest.simulated = true;
            manifest.save(directory)?;
        }
        journal.append(
            &manifest.dataset,
            &manifest.dataset_hash,
            finished.arm,
            item,
        )?;
        if let Some(error) = &item.error {
            failed += 1;
            progress.message(&format!(
                "{failed} without an answer, last: {}",
                error.message
            ));
        }
        progress.advance(1);
        Ok(())
    };
    let outcome = engine.run(tally, &mut keep).await;
    progress.finish();
    outcome.map_err(|error| match error {
        EngineError::Sink(error) => anyhow::Error::new(error).context("keep a result"),
        EngineError::Dataset(error) => anyhow::Error::new(error).context("read the questions"),
    })
}

async fn sync_now_and_then(journal: Arc<Journal>) {
    let mut ticks = tokio::time::interval(SYNC_EVERY);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let journal = Arc::clone(&journal);
        let synced = tokio::task::spawn_blocking(move || journal.sync()).await;
        if let Ok(Err(error)) = synced {
            tracing::warn!(%error, "results not yet on the disk");
        }
    }
}

/// What the user can do something about is wrong usage.
fn refused(error: FolderError) -> anyhow::Error {
    let hint = match &error {
        FolderError::Exists { .. } => "`--resume NAME` goes on with a run",
        FolderError::Differs { .. } => "begin a new run, or give what the run was begun with",
        FolderError::Journal(JournalError::InUse { .. }) => "only one process can go on with a run",
        FolderError::Dataset(_) | FolderError::Journal(_) | FolderError::Manifest(_) => {
            return error.into();
        }
    };
    ConfigError::new("eval run", error).hint(hint).into()
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if number.is_finite() && number > 0.0 {
        Ok(number)
    } else {
        Err("expected more than 0".to_owned())
    }
}

/// The time, as documents have it.
fn now(ctx: &Context) -> anyhow::Result<String> {
    ctx.now().format(&Rfc3339).context("write the time")
}
