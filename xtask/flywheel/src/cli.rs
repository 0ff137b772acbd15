//! The command line: one variant a command, one line of dispatch each.

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::environment::{Environment, LOCAL};
use crate::exit::{self, Exit};
use crate::output::{Console, Format};
use crate::{agent_up, dataset, deploy, destroy, e2e, eval, gateway, hpo, judge, list, simulate};

/// Deploys agents, searches their configuration, and cleans up after itself
///
/// Without `--env` everything runs on this machine: the emulator is started, or joined if it runs, and plays AWS,
/// Langfuse and SAP. With `--env NAME` the same commands work in the account that
/// xtask/flywheel/config/environments.toml describes under that name.
#[derive(Debug, Parser)]
#[command(name = "flywheel", bin_name = "cargo xtask", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Where to do it: `local` is the emulator, other names are in environments.toml
    #[arg(long, global = true, env = "FLYWHEEL_ENV", hide_env_values = true, default_value = LOCAL, value_name = "NAME", help_heading = "Global options")]
    pub(crate) env: String,

    /// What to print on stdout: a report for people or one JSON document
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "human",
        help_heading = "Global options"
    )]
    pub(crate) format: Format,
}

/// The commands, in the order of their use.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try a space of hyperparameters on the golden dataset and recommend one configuration
    ///
    /// Each candidate is deployed as a runtime of its own, answers every case of the dataset, is scored by the
    /// evaluators of eval-suite, and is deleted again. The study is described in xtask/flywheel/config/hpo.toml.
    #[command(after_help = exit::HELP)]
    Hpo(hpo::Args),

    /// Send load and safety traffic to an agent and say whether it held its thresholds
    ///
    /// Without `--target` an agent is deployed from agent/hyperparams.toml first and deleted afterwards. What is sent,
    /// how fast and what counts as good enough stands in xtask/flywheel/config/simulate.toml. Every runtime session
    /// is stopped at the end; Ctrl-C lets the questions under way finish, and the report is written all the same.
    #[command(after_help = exit::HELP)]
    Simulate(simulate::Args),

    /// Ask the deployed agent real questions and follow each answer hop by hop to SAP
    ///
    /// Agent, trace, gateway, Lambda, SAP, answer: what happened at each is proved from the trace and the logs, not from
    /// the answer's text. The questions stand in xtask/flywheel/config/e2e.toml. Without `--runtime` an agent is
    /// deployed from agent/hyperparams.toml first and deleted afterwards. On failure the first broken hop is named, with
    /// what to do about it.
    #[command(after_help = e2e::HELP)]
    E2e(e2e::Args),

    /// Talk to the MCP gateway without the agent: token, tools, call, test, MCP Inspector
    #[command(after_help = gateway::HELP)]
    Gateway(gateway::Args),

    /// Evaluate an agent: run a dataset, judge, report and compare runs; score one output
    #[command(after_help = exit::HELP)]
    Eval(eval::Args),

    /// The model that judges: measure it against people's labels, make steps for a rubric
    #[command(after_help = exit::HELP)]
    Judge(judge::Args),

    /// Datasets by themselves: check, count, find near duplicates, import, split, derive figures
    Dataset(dataset::Args),

    /// Deploy the agent as agent/hyperparams.toml describes it and print its ARN
    ///
    /// The runtime stays until `destroy`.
    #[command(after_help = exit::HELP)]
    Deploy(deploy::Args),

    /// Delete what was deployed: one run's, or everything of yours
    #[command(after_help = exit::HELP)]
    Destroy(destroy::Args),

    /// List runtimes, repositories and emulator processes made by this program
    #[command(after_help = exit::HELP)]
    List,

    /// Deploy an agent for a test harness and delete it when stdin closes
    ///
    /// Prints one JSON line with the runtime's ARN and the environment in which to build clients for it.
    #[command(after_help = exit::HELP)]
    AgentUp,
}

/// What every command gets.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// This process's environment.
    pub(crate) config: Config,
    /// Name of the chosen environment.
    pub(crate) environment: String,
    /// The terminal.
    pub(crate) console: Console,
    /// Cancelled by the first Ctrl-C.
    pub(crate) cancel: CancellationToken,
}

impl Context {
    /// Opens the chosen environment; for `local` this starts or joins the emulator.
    pub(crate) async fn open_environment(&self) -> anyhow::Result<Environment> {
        let opened = Environment::open(&self.environment, &self.config, &self.console).await;
        opened.with_context(|| format!("open environment `{}`", self.environment))
    }

    /// The time of day; nothing else in this program asks the clock for it.
    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// Runs the chosen command.
pub(crate) async fn run(command: &Command, ctx: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::Hpo(args) => hpo::run(args, ctx).await.context("run the study"),
        Command::Simulate(args) => simulate::run(args, ctx).await.context("simulate traffic"),
        Command::E2e(args) => e2e::run(args, ctx).await.context("ask end to end"),
        Command::Gateway(args) => gateway::run(args, ctx).await,
        Command::Eval(args) => eval::run(args, ctx).await.context("evaluate"),
        Command::Judge(args) => judge::run(args, ctx).await.context("work with the judge"),
        Command::Dataset(args) => dataset::run(args, ctx).await,
        Command::Deploy(args) => deploy::run(args, ctx).await.context("deploy the agent"),
        Command::Destroy(args) => destroy::run(args, ctx).await.context("destroy"),
        Command::List => list::run(ctx).await.context("list what is deployed"),
        Command::AgentUp => agent_up::run(ctx).await.context("serve an agent"),
    }
}
