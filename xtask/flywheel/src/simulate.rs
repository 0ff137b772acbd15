//! `simulate`: load and safety traffic against a deployed agent, with a verdict.

mod arrival;
mod record;
mod report;
mod scenario;
mod summary;
mod threshold;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use eval_suite::client::{AgentClient, AgentCoreClient, HttpAgentClient};
use eval_suite::cost::PriceTable;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use self::record::Record;
use self::scenario::{Model, Scenario};
use self::summary::Summary;
use self::threshold::{Outcome, Threshold, Verdict};
use self::worker::Live;
use crate::cli::Context;
use crate::config::{ConfigError, parse_duration};
use crate::deploy::{Deployer, base_hyperparameters, check_base, run_id};
use crate::exit::{Exit, Interrupted};
use crate::output::Format;

/// How often the live view changes.
const LIVE_INTERVAL: Duration = Duration::from_secs(1);
/// Without a terminal: how often a line is printed.
const LINE_EVERY: u32 = 5;
/// Models with this prefix are the emulator's.
const SIMULATED: &str = "simulated.";

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Agent to send traffic to: a runtime ARN or an http(s) URL; without it one is deployed and deleted again
    #[arg(long, value_name = "ARN|URL")]
    target: Option<String>,

    /// Scenario file: prompts, load model, thresholds
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// Load model: `closed` users wait for answers, `open` arrivals keep a schedule
    #[arg(long, value_enum, help_heading = "Load (each wins over the scenario)")]
    model: Option<Model>,

    /// How long new work is started, such as `10s` or `5m`
    #[arg(long, value_parser = parse_duration, help_heading = "Load (each wins over the scenario)")]
    duration: Option<Duration>,

    /// Time over which users start or the rate rises
    #[arg(long, value_parser = parse_duration, help_heading = "Load (each wins over the scenario)")]
    ramp: Option<Duration>,

    /// Closed users at once
    #[arg(long, help_heading = "Load (each wins over the scenario)")]
    users: Option<usize>,

    /// Open arrivals per second
    #[arg(
        long,
        value_name = "PER_SECOND",
        help_heading = "Load (each wins over the scenario)"
    )]
    rate: Option<f64>,

    /// Seed of prompts, think times and arrivals
    #[arg(long, help_heading = "Load (each wins over the scenario)")]
    seed: Option<u64>,

    /// Condition the run must meet, such as `success >= 99%`; repeatable, added to the scenario's
    #[arg(long = "threshold", value_name = "CONDITION")]
    thresholds: Vec<Threshold>,

    /// Print the plan and stop
    #[arg(long)]
    dry_run: bool,
}

/// What a run came to; the JSON report.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    version: u32,
    run: String,
    scenario: String,
    target: String,
    model: Model,
    seed: u64,
    started_at: String,
    /// Whether simulated models answered.
    simulated: bool,
    verdict: &'static str,
    thresholds: Vec<Outcome>,
    /// Harmful prompts that were answered instead of refused, each once.
    unrefused: Vec<Unrefused>,
    interrupted: bool,
    #[serde(flatten)]
    summary: Summary,
    /// Files of this run, relative to the workspace.
    reports: Files,
}

/// A harmful prompt that was answered.
#[derive(Debug, Serialize)]
struct Unrefused {
    prompt: String,
    answer: String,
    /// How often.
    count: usize,
}

/// Where the reports lie.
#[derive(Debug, Serialize)]
struct Files {
    html: String,
    json: String,
    records: String,
}

/// Runs `simulate`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let scenario = plan(args, ctx)?;
    let target = args.target.as_deref();
    if let Some(target) = target
        && !is_arn(target)
        && !is_url(target)
    {
        return Err(ConfigError::new(
            "--target",
            format!("`{target}` is neither a runtime ARN nor an http(s) URL"),
        )
        .into());
    }
    let prices = PriceTable::load(&ctx.config.paths.prices())?;
    let hyperparameters = base_hyperparameters(&ctx.config.paths)?;
    if target.is_none() {
        check_base(&ctx.config.paths, &hyperparameters).await?;
    }
    if args.dry_run {
        ctx.console
            .data(&report::plan(&scenario, target, ctx.console.format()));
        return Ok(Exit::Done);
    }
    if let Some(url) = target.filter(|target| is_url(target)) {
        let client =
            HttpAgentClient::new(url).map_err(|error| ConfigError::new("--target", error))?;
        return drive(&scenario, url, Arc::new(client), &prices, ctx).await;
    }
    let environment = ctx.open_environment().await?;
    let client = |arn: &str| Arc::new(AgentCoreClient::new(environment.aws.data(), arn, None));
    if let Some(arn) = target {
        return drive(&scenario, arn, client(arn), &prices, ctx).await;
    }
    let deployer = Deployer::open(&environment, ctx, "simulate").await?;
    let work = async {
        let deploy = async {
            let image = deployer.publish().await?;
            deployer.start("agent", &image, &hyperparameters).await
        };
        let runtime = ctx.cancel.run_until_cancelled(deploy).await;
        let runtime = runtime.ok_or(Interrupted)??;
        drive(&scenario, &runtime.arn, client(&runtime.arn), &prices, ctx).await
    };
    // From here on an interrupt drains the run, which stops its sessions and writes its report; only then is the
    // agent deleted.
    deployer.finish(&CancellationToken::new(), work).await
}

fn is_arn(target: &str) -> bool {
    target.starts_with("arn:")
        && target.contains(":bedrock-agentcore:")
        && target.contains(":runtime/")
}

fn is_url(target: &str) -> bool {
    target.starts_with("http://") || target.starts_with("https://")
}

/// The scenario with the flags' values, checked.
fn plan(args: &Args, ctx: &Context) -> Result<Scenario, ConfigError> {
    let path = args
        .scenario
        .clone()
        .unwrap_or_else(|| ctx.config.paths.config_dir().join("simulate.toml"));
    let shown = ctx.config.paths.shown(&path);
    let mut scenario = Scenario::load(&path, &shown)?;
    let load = &mut scenario.load;
    load.model = args.model.unwrap_or(if args.rate.is_some() {
        Model::Open
    } else {
        load.model
    });
    load.duration = args.duration.unwrap_or(load.duration);
    // A shorter run than the file's keeps the ramp's share of it.
    load.ramp = args.ramp.unwrap_or(load.ramp.min(load.duration / 4));
    load.users = args.users.unwrap_or(load.users);
    load.rate_per_second = args.rate.unwrap_or(load.rate_per_second);
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    // The file serves both load models; what is asked for on the command line must be measurable in this run.
    let open = load.model == Model::Open;
    scenario
        .thresholds
        .retain(|threshold| threshold.applies_to(open));
    if let Some(threshold) = args.thresholds.iter().find(|one| !one.applies_to(open)) {
        let place = format!("--threshold `{threshold}`");
        return Err(ConfigError::new(place, "closed users have no schedule to be late for")
            .hint("ask for open arrivals with `--model open`, or hold `service` instead of `response`"));
    }
    scenario.thresholds.extend(args.thresholds.iter().cloned());
    scenario.check(&shown)?;
    Ok(scenario)
}

/// Sends the traffic, writes the reports, and decides the exit code.
async fn drive(
    scenario: &Scenario,
    target: &str,
    client: Arc<dyn AgentClient>,
    prices: &PriceTable,
    ctx: &Context,
) -> anyhow::Result<Exit> {
    let run = run_id("simulate", ctx.now());
    let started_at = ctx.now().format(&Rfc3339)?;
    let live = Arc::new(Live::default());
    let watching = CancellationToken::new();
    let view = tokio::spawn(watch(
        Arc::clone(&live),
        scenario.load.duration,
        ctx.clone(),
        watching.clone(),
    ));
    let finished = worker::run(scenario, client, live, ctx.cancel.clone()).await;
    watching.cancel();
    view.await.context("show progress")?;

    let scheduled = finished
        .scheduled
        .map(|planned| (planned, scenario.load.duration));
    let summary = Summary::new(
        &finished.records,
        finished.elapsed,
        scheduled,
        finished.sessions,
        Some(prices),
    );
    let thresholds: Vec<Outcome> = scenario
        .thresholds
        .iter()
        .map(|threshold| threshold.judge(&summary))
        .collect();
    let interrupted = ctx.cancel.is_cancelled();
    let (verdict, exit) = decide(&thresholds, &summary, interrupted);
    let model_ids = finished
        .records
        .iter()
        .filter_map(|record| record.model_id.as_deref());
    let folder = ctx.config.paths.state().join("simulate").join(&run);
    let file = |name: &str| ctx.config.paths.shown(&folder.join(name));
    let report = Report {
        version: 1,
        scenario: scenario.name.clone(),
        target: target.to_owned(),
        model: scenario.load.model,
        seed: scenario.seed,
        started_at,
        simulated: model_ids.into_iter().any(|id| id.starts_with(SIMULATED)),
        verdict,
        thresholds,
        unrefused: unrefused(scenario, &finished.records),
        interrupted,
        summary,
        reports: Files {
            html: file("report.html"),
            json: file("report.json"),
            records: file("records.jsonl"),
        },
        run,
    };
    report::write(&report, &finished.records, &folder).context("write the report")?;
    ctx.console.data(&match ctx.console.format() {
        Format::Json => serde_json::to_string(&report)?,
        Format::Human => report::human(&report),
    });
    Ok(exit)
}

fn unrefused(scenario: &Scenario, records: &[Record]) -> Vec<Unrefused> {
    let mut found: BTreeMap<usize, Unrefused> = BTreeMap::new();
    for record in records {
        if let record::Outcome::Answered {
            unrefused_answer: Some(answer),
            ..
        } = &record.outcome
        {
            let entry = found.entry(record.prompt).or_insert_with(|| Unrefused {
                prompt: scenario.prompts[record.prompt].text.clone(),
                answer: answer.clone(),
                count: 0,
            });
            entry.count += 1;
        }
    }
    found.into_values().collect()
}

/// The verdict's word and the exit code that says the same.
fn decide(thresholds: &[Outcome], summary: &Summary, interrupted: bool) -> (&'static str, Exit) {
    let any = |verdict| thresholds.iter().any(|outcome| outcome.verdict == verdict);
    if interrupted {
        ("interrupted", Exit::Interrupted)
    } else if any(Verdict::Broken) {
        ("fail", Exit::Gate)
    } else if any(Verdict::Unmeasured) {
        ("inconclusive", Exit::Inconclusive)
    } else if summary.sessions.not_stopped > 0 {
        ("sessions left", Exit::Partial)
    } else {
        ("pass", Exit::Done)
    }
}

/// Shows how the run is going until it is over.
async fn watch(live: Arc<Live>, duration: Duration, ctx: Context, over: CancellationToken) {
    let progress = ctx
        .console
        .progress("simulate (s)", duration.as_secs().max(1));
    let mut ticks = tokio::time::interval(LIVE_INTERVAL);
    let mut seconds = 0;
    ticks.tick().await;
    while over.run_until_cancelled(ticks.tick()).await.is_some() {
        seconds += 1;
        let [in_flight, answered, failed] =
            [&live.in_flight, &live.answered, &live.failed].map(|n| n.load(Ordering::Relaxed));
        let line = format!("{answered} answered, {failed} failed, {in_flight} under way");
        progress.message(&line);
        if !ctx.console.is_terminal() {
            if seconds % LINE_EVERY == 0 {
                ctx.console.note(&format!("{seconds} s: {line}"));
            }
        } else if u64::from(seconds) <= duration.as_secs() {
            progress.advance(1);
        }
    }
    progress.finish();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(verdicts: &[Verdict], not_stopped: usize, expected: Exit) {
        let thresholds: Vec<_> = verdicts
            .iter()
            .map(|&verdict| Outcome {
                threshold: "success >= 99%".to_owned(),
                verdict,
                found: String::new(),
            })
            .collect();
        let mut summary = summary::tests::summary_of(1, 0, 0, 0);
        summary.sessions.not_stopped = not_stopped;
        assert_eq!(decide(&thresholds, &summary, false).1, expected);
    }

    #[test]
    fn the_exit_code_says_the_worst() {
        check(&[Verdict::Held], 0, Exit::Done);
        check(
            &[Verdict::Held, Verdict::Broken, Verdict::Unmeasured],
            0,
            Exit::Gate,
        );
        check(&[Verdict::Held, Verdict::Unmeasured], 0, Exit::Inconclusive);
        check(&[Verdict::Held], 1, Exit::Partial);
    }

    #[test]
    fn targets_are_told_apart() {
        assert!(is_arn(
            "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/a-0123456789"
        ));
        assert!(!is_arn("arn:aws:lambda:us-east-1:123456789012:function:a"));
        assert!(is_url("http://127.0.0.1:8080"));
        assert!(!is_url("127.0.0.1:8080"));
    }
}
