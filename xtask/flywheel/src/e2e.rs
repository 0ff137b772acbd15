//! `e2e`: questions through the deployed agent, and the proof, hop by hop, that the answers came from SAP.
//!
//! What is proved is read from the trace and the logs, not from the answer's text: the result that the model read
//! hashes to what one invocation of the function wrote into its log, and that invocation's requests are SAP's.

mod canonical;
mod diagnosis;
mod evidence;
pub(crate) mod file;
mod lambda_log;
mod report;
mod sap_log;
mod trace;

use std::collections::BTreeSet;

use anyhow::Context as _;
use eval_suite::client::AgentCoreClient;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::evidence::{Asked, Follower, ask, gateway_id, knock};
use self::file::{File, Question};
use self::lambda_log::LambdaLog;
use self::report::{QuestionReport, Report};
use self::trace::Langfuse;
use crate::cli::Context;
use crate::config::ConfigError;
use crate::deploy::{Deployer, base_hyperparameters, check_base, run_id};
use crate::environment::Environment;
use crate::exit::{Exit, Interrupted};
use crate::gateway::token::{Endpoint, http_client};
use crate::output::Format;

/// Log group of the function.
const LOG_GROUP: &str = "FLYWHEEL_SAP_LOG_GROUP";
/// Where SAP's own request log is, in environments that have one.
const SAP_REQUEST_LOG: &str = "FLYWHEEL_SAP_REQUEST_LOG_URL";
/// Models with this prefix are the emulator's.
const SIMULATED: &str = "simulated.";

/// What `--help` ends with.
pub(crate) const HELP: &str = "\
Examples:
  cargo xtask e2e                                        deploy, ask everything, delete
  cargo xtask e2e --question po_520_total_he             one question
  cargo xtask e2e --env dev --runtime arn:aws:bedrock-agentcore:...:runtime/...

Exit codes:
    0  every hop of every question held
    2  wrong usage, or a broken file (nothing was deployed)
    3  a hop broke: the first one and what to do stand at the end of the report
    6  the agent could not be deployed: cloud or emulator refused or did not answer
  130  interrupted (Ctrl-C); what the run had created was deleted first";

/// Arguments of `e2e`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask this runtime instead of deploying one; it is left standing
    #[arg(long, value_name = "ARN")]
    runtime: Option<String>,

    /// Ask only this question of xtask/flywheel/config/e2e.toml; repeatable
    #[arg(long = "question", value_name = "ID")]
    questions: Vec<String>,

    /// Print what would be asked and stop
    #[arg(long)]
    dry_run: bool,
}

/// Runs `e2e`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let paths = &ctx.config.paths;
    let mut file = file::load(paths)?;
    choose(&mut file, &args.questions)?;
    let hyperparameters = base_hyperparameters(paths)?;
    if args.dry_run {
        ctx.console.data(&plan(&file, args, ctx));
        return Ok(Exit::Done);
    }
    if let Some(arn) = &args.runtime {
        check_arn(arn)?;
    } else {
        check_base(paths, &hyperparameters).await?;
    }
    let environment = ctx.open_environment().await?;
    let follower = follower(&file, &environment).await?;
    if let Some(arn) = &args.runtime {
        let run = run_id("e2e", ctx.now());
        return drive(&file, &run, arn, follower, &environment, ctx).await;
    }
    let deployer = Deployer::open(&environment, ctx, "e2e").await?;
    let work = async {
        let deploy = async {
            let image = deployer.publish().await?;
            deployer.start("agent", &image, &hyperparameters).await
        };
        let runtime = ctx.cancel.run_until_cancelled(deploy).await;
        let runtime = runtime.ok_or(Interrupted)??;
        drive(
            &file,
            &deployer.run,
            &runtime.arn,
            follower,
            &environment,
            ctx,
        )
        .await
    };
    // An interrupt stops the question under way and its session; then the agent is deleted.
    deployer.finish(&CancellationToken::new(), work).await
}

/// Keeps the questions that were asked for.
fn choose(file: &mut File, ids: &[String]) -> Result<(), ConfigError> {
    let known: Vec<String> = file
        .questions
        .iter()
        .map(|question| question.id.clone())
        .collect();
    if let Some(id) = ids.iter().find(|id| !known.contains(id)) {
        return Err(
            ConfigError::new("--question", format!("e2e.toml has no question `{id}`"))
                .hint(format!("it has {}", known.join(", "))),
        );
    }
    if !ids.is_empty() {
        file.questions.retain(|question| ids.contains(&question.id));
    }
    Ok(())
}

fn check_arn(arn: &str) -> Result<(), ConfigError> {
    let fits =
        arn.starts_with("arn:") && arn.contains(":bedrock-agentcore:") && arn.contains(":runtime/");
    if fits {
        Ok(())
    } else {
        Err(
            ConfigError::new("--runtime", format!("`{arn}` is no runtime ARN"))
                .hint("`cargo xtask list` shows what stands"),
        )
    }
}

fn plan(file: &File, args: &Args, ctx: &Context) -> String {
    let target = args
        .runtime
        .as_deref()
        .unwrap_or("an agent deployed for this run");
    match ctx.console.format() {
        Format::Json => {
            let questions: Vec<_> = file
                .questions
                .iter()
                .map(
                    |q| json!({"id": q.id, "language": q.language, "text": q.text, "tool": q.tool}),
                )
                .collect();
            json!({
                "version": 1, "environment": ctx.environment, "runtime_arn": args.runtime, "questions": questions,
            })
            .to_string()
        }
        Format::Human => {
            let lines = file
                .questions
                .iter()
                .map(|q| format!("\n  {} [{}] {}", q.id, q.language.code(), q.text));
            let lines: String = lines.collect();
            format!(
                "Would ask {target} in `{}` {} questions{lines}",
                ctx.environment,
                file.questions.len()
            )
        }
    }
}

/// What is needed to follow a question, checked before anything is deployed.
async fn follower(file: &File, environment: &Environment) -> anyhow::Result<Follower> {
    let settings = &environment.settings;
    let group = settings.require(LOG_GROUP)?;
    let log = settings.get(SAP_REQUEST_LOG).map(Url::parse).transpose();
    let sap_log = log.map_err(|error| ConfigError::new(SAP_REQUEST_LOG, error))?;
    let endpoint = Endpoint::of(settings)?;
    let keys = environment.langfuse().await?.ok_or_else(|| {
        ConfigError::new("LANGFUSE_HOST", "there is no Langfuse, and without traces nothing can be proved").hint(
            "set the SSM parameters /langfuse/LANGFUSE_HOST, /langfuse/LANGFUSE_PUBLIC_KEY and /langfuse/LANGFUSE_SECRET_KEY",
        )
    })?;
    let [host, public_key, secret_key] = keys;
    let http = http_client()?;
    Ok(Follower {
        langfuse: Langfuse::new(&host, public_key, secret_key)?,
        log: LambdaLog::new(environment.aws.logs(), group),
        sap_log,
        refusal: knock(&http, &endpoint.gateway).await,
        http,
        limits: file.limits,
        gateway_id: gateway_id(&endpoint.gateway),
        claimed: BTreeSet::new(),
    })
}

/// Asks everything, then follows everything: what Langfuse and CloudWatch take to show the first question passes while
/// the others are asked.
async fn drive(
    file: &File,
    run: &str,
    arn: &str,
    mut follower: Follower,
    environment: &Environment,
    ctx: &Context,
) -> anyhow::Result<Exit> {
    let client = AgentCoreClient::new(environment.aws.data(), arn, None);
    let mut asked = Vec::new();
    for question in &file.questions {
        let one = ask(&client, question, file.limits.answer, ctx).await?;
        let came = match &one.reply {
            Ok(reply) => format!("answered after {:.0} ms", reply.latency_ms),
            Err(why) => why.clone(),
        };
        ctx.console.note(&format!("{}: {came}", question.id));
        if let Err(why) = &one.stopped {
            let session = &one.session_id;
            ctx.console.note(&format!(
                "warning: session {session} was not stopped: {why}"
            ));
        }
        asked.push((question, one));
    }
    let following = async {
        let mut questions = Vec::new();
        let mut simulated = false;
        for (question, one) in &mut asked {
            let (report, is_simulated) = follow(&mut follower, question, one).await;
            simulated |= is_simulated;
            questions.push(report);
        }
        (questions, simulated)
    };
    let followed = ctx.cancel.run_until_cancelled(following).await;
    let (questions, simulated) = followed
        .ok_or(Interrupted)
        .context("follow the questions")?;
    let mut report = Report {
        version: 1,
        run: run.to_owned(),
        environment: environment.name.clone(),
        runtime_arn: arn.to_owned(),
        simulated,
        verdict: "pass",
        questions,
    };
    let exit = if report.passed() {
        Exit::Done
    } else {
        Exit::Gate
    };
    if exit != Exit::Done {
        report.verdict = "fail";
    }
    ctx.console.data(&match ctx.console.format() {
        Format::Human => report.to_string(),
        Format::Json => serde_json::to_string(&report)?,
    });
    Ok(exit)
}

async fn follow(
    follower: &mut Follower,
    question: &Question,
    asked: &mut Asked,
) -> (QuestionReport, bool) {
    let evidence = follower.follow(question, asked).await;
    let findings = diagnosis::diagnose(question, &evidence);
    let reply = evidence.reply.ok();
    let model = reply.as_ref().and_then(|reply| reply.model_id.as_deref());
    let simulated = model.is_some_and(|model| model.starts_with(SIMULATED));
    let report = QuestionReport {
        latency_ms: reply.as_ref().map(|reply| reply.latency_ms),
        answer: reply.map(|reply| reply.text),
        session_id: asked.session_id.clone(),
        trace_id: asked.trace_id.clone(),
        trace_url: follower.langfuse.page(&asked.trace_id),
        ..QuestionReport::new(question, findings)
    };
    (report, simulated)
}
