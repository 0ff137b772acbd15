//! `gateway`: the MCP gateway asked directly, without the agent in between.

mod arguments;
mod check;
mod inspector;
pub(crate) mod probe;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod token;
pub(crate) mod troubleshooting;

use anyhow::Context as _;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::check::{Outcome, Row, Subject};
use self::inspector::SetUp;
use self::session::{Session, Tool};
use self::token::{Credentials, Endpoint, Token};
use crate::cli::Context;
use crate::config::{ConfigError, Paths};
use crate::e2e::file;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Format;

/// Columns of a table: what fits beside a shell's prompt on a usual terminal.
const TABLE_WIDTH: u16 = 120;

/// What `gateway --help` ends with.
pub(crate) const HELP: &str = "\
Examples:
  cargo xtask gateway test                      is everything in place, hop by hop?
  cargo xtask gateway call get_complete_po_data po_number=4500000520

Each command has examples and exit codes of its own: `cargo xtask gateway call --help`.";

const TOKEN_HELP: &str = "\
Examples:
  cargo xtask gateway token                     what the token says about itself, the token itself masked
  TOKEN=$(cargo xtask gateway token --reveal)   the token alone, for curl and other clients";

const TOOLS_HELP: &str = "\
Examples:
  cargo xtask gateway tools                     a table
  cargo xtask gateway tools --format json       full definitions, as the model reads them";

const CALL_HELP: &str = "\
Examples:
  cargo xtask gateway call get_complete_po_data po_number=4500000520
  cargo xtask gateway call sap___search_purchase_orders search_term=bike limit=5
  cargo xtask gateway call search_purchase_orders search_term:='\"bike\"'

Exit codes:
    0  the tool answered, with status ok
    2  no such tool or argument, told before anything is called
    4  the tool answered, with another status: not_found, invalid_argument or error
    6  the gateway or the function behind it failed";

const TEST_HELP: &str = "\
Examples:
  cargo xtask gateway test                      against the emulator
  cargo xtask gateway test --env dev            against the account in environments.toml

Exit codes:
    0  every row passed
    3  a row failed: the hop that broke and what to do first stand below the table
    5  nothing failed, but a row was skipped: never green";

const INSPECTOR_HELP: &str = "\
Examples:
  cargo xtask gateway inspector                 what to type; keeps the emulator up until Ctrl-C
  cargo xtask gateway inspector --no-hold       what to type, and no more";

/// Arguments of `gateway`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Get a bearer token by client credentials and say what it is
    ///
    /// The client secret is read from Secrets Manager. Without `--reveal` the token stays hidden.
    #[command(after_help = TOKEN_HELP)]
    Token {
        /// Print the token alone, unmasked
        #[arg(long)]
        reveal: bool,
    },

    /// List the tools as an MCP client sees them
    #[command(after_help = TOOLS_HELP)]
    Tools,

    /// Call one tool and print its JSON
    ///
    /// Values take the type that the tool's schema gives the argument; after `:=` stands JSON, taken as it is.
    #[command(after_help = CALL_HELP)]
    Call {
        /// Tool, with or without its target: `get_material_stock` or `sap___get_material_stock`
        tool: String,

        /// Arguments of the tool: name=value, or name:=JSON
        #[arg(value_name = "NAME=VALUE")]
        arguments: Vec<String>,
    },

    /// Check everything between a client and SAP: token, refusals, session, tools, data
    ///
    /// One row a check. What is called and expected stands in xtask/flywheel/config/e2e.toml.
    #[command(after_help = TEST_HELP)]
    Test,

    /// Print how to look at the gateway with MCP Inspector
    ///
    /// The local environment lasts only while a command uses it, so there this command stays until Ctrl-C.
    #[command(after_help = INSPECTOR_HELP)]
    Inspector {
        /// Print and return, whatever becomes of the environment
        #[arg(long)]
        no_hold: bool,
    },
}

/// A tool that failed inside: nothing the caller could have written otherwise.
#[derive(Debug, thiserror::Error)]
#[error("`{tool}` failed behind the gateway: {message}")]
pub(crate) struct ToolFailed {
    tool: String,
    message: String,
}

/// Runs `gateway`.
pub(crate) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Token { reveal } => print_token(*reveal, ctx).await.context("get a token"),
        Action::Tools => print_tools(ctx).await.context("list the tools"),
        Action::Call { tool, arguments } => call(tool, arguments, ctx).await.context("call a tool"),
        Action::Test => test(ctx).await.context("test the gateway"),
        Action::Inspector { no_hold } => inspect(*no_hold, ctx).await,
    }
}

/// A token of the environment's client.
async fn sign_in(environment: &Environment) -> anyhow::Result<(Endpoint, Token)> {
    let endpoint = Endpoint::of(&environment.settings)?;
    let credentials = Credentials::read(&environment.aws, &endpoint).await?;
    let token = token::obtain(&token::http_client()?, &endpoint, &credentials).await?;
    Ok((endpoint, token))
}

async fn open_session(environment: &Environment) -> anyhow::Result<Session> {
    let (endpoint, token) = sign_in(environment).await?;
    Ok(Session::open(&endpoint.gateway, &token.value).await?)
}

async fn print_token(reveal: bool, ctx: &Context) -> anyhow::Result<Exit> {
    let environment = ctx.open_environment().await?;
    let (endpoint, token) = sign_in(&environment).await?;
    let claims = &token.claims;
    let client_id = claims.client_id.as_deref().unwrap_or(&endpoint.client_id);
    let scope = claims.scope.as_deref().unwrap_or(&endpoint.scope);
    let issuer = claims.issuer.as_deref().unwrap_or("not said");
    let expires_at = claims
        .expires_at
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok());
    let shown = if reveal {
        token.value.expose().to_owned()
    } else {
        token.masked()
    };
    ctx.console.data(&match (ctx.console.format(), reveal) {
        (Format::Human, true) => shown,
        (Format::Human, false) => {
            let life = token
                .expires_in_seconds
                .map_or_else(String::new, |life| format!(" (in {life} s)"));
            let until = expires_at.as_deref().unwrap_or("not said");
            format!(
                "Token      {shown}\nClient     {client_id}\nScope      {scope}\nIssuer     {issuer}\nExpires    {until}{life}"
            )
        }
        (Format::Json, _) => json!({
            "version": 1, "token": shown, "masked": !reveal, "client_id": client_id, "scope": scope,
            "issuer": claims.issuer, "expires_at": expires_at, "expires_in_seconds": token.expires_in_seconds,
        })
        .to_string(),
    });
    Ok(Exit::Done)
}

async fn print_tools(ctx: &Context) -> anyhow::Result<Exit> {
    let environment = ctx.open_environment().await?;
    let session = open_session(&environment).await?;
    let tools = session.tools().await;
    session.close().await;
    let tools = tools?;
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({ "version": 1, "tools": tools }).to_string(),
        Format::Human => tools_table(&tools),
    });
    Ok(Exit::Done)
}

fn tools_table(tools: &[Tool]) -> String {
    let rows = tools.iter().map(|tool| {
        let required: Vec<&str> = arguments::required(&tool.input_schema).collect();
        let required = if required.is_empty() {
            "-".to_owned()
        } else {
            required.join(", ")
        };
        [
            tool.name.clone(),
            required,
            first_sentence(&tool.description),
        ]
    });
    table(["tool", "required", "what it does"], rows)
}

/// Up to the first full stop that ends a sentence.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |dot| dot + 1);
    text[..end].trim().to_owned()
}

fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(TABLE_WIDTH)
        .set_header(header)
        .add_rows(rows);
    table.trim_fmt()
}

async fn call(name: &str, pairs: &[String], ctx: &Context) -> anyhow::Result<Exit> {
    let environment = ctx.open_environment().await?;
    let session = open_session(&environment).await?;
    let answer = async {
        let tools = session.tools().await?;
        let tool = arguments::resolve(name, &tools)?;
        let arguments = arguments::parse(pairs, &tool.input_schema)?;
        let answer = session.call(&tool.name, arguments).await?;
        anyhow::Ok((tool.name.clone(), answer))
    };
    let answer = answer.await;
    session.close().await;
    let (tool, answer) = answer?;
    if answer.is_error {
        let message = match &answer.content {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        return Err(ToolFailed { tool, message }.into());
    }
    ctx.console.data(&match ctx.console.format() {
        Format::Human => format!("{:#}", answer.content),
        Format::Json => answer.content.to_string(),
    });
    let latency_ms = answer.latency.as_millis();
    Ok(match answer.status() {
        Some("ok") | None => {
            ctx.console
                .note(&format!("{tool} answered in {latency_ms} ms."));
            Exit::Done
        }
        Some(status) => {
            ctx.console
                .note(&format!("{tool} answered `{status}` in {latency_ms} ms."));
            Exit::Partial
        }
    })
}

/// What the function's crate declares, as it stands in `terraform/`.
fn declared_tools(paths: &Paths) -> Result<Vec<Tool>, ConfigError> {
    let path = paths.root.join("terraform/sap_tools.json");
    let wrong = |error: &dyn std::fmt::Display| {
        ConfigError::new(paths.shown(&path), error).hint("`cargo xtask codegen` writes it")
    };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(&error))?;
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}

async fn test(ctx: &Context) -> anyhow::Result<Exit> {
    let paths = &ctx.config.paths;
    let call = file::load(paths)?.gateway;
    let declared = declared_tools(paths)?;
    let environment = ctx.open_environment().await?;
    let endpoint = Endpoint::of(&environment.settings)?;
    let subject = Subject {
        credentials: Credentials::read(&environment.aws, &endpoint).await,
        endpoint,
        declared,
        call,
    };
    let gateway = subject.endpoint.gateway.to_string();
    let rows = check::run(subject, &token::http_client()?).await;
    let exit = verdict(&rows);
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1, "environment": environment.name, "gateway": gateway,
            "verdict": verdict_word(exit), "rows": rows,
        })
        .to_string(),
        Format::Human => format!(
            "Gateway {gateway}, environment {}\n\n{}",
            environment.name,
            report(&rows)
        ),
    });
    Ok(exit)
}

/// A failure counts, and a row that could not be looked at is never green.
fn verdict(rows: &[Row]) -> Exit {
    let any = |outcome: Outcome| rows.iter().any(|row| row.outcome == outcome);
    match (any(Outcome::Fail), any(Outcome::Skipped)) {
        (true, _) => Exit::Gate,
        (false, true) => Exit::Inconclusive,
        (false, false) => Exit::Done,
    }
}

fn verdict_word(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "pass",
        Exit::Gate => "fail",
        _ => "inconclusive",
    }
}

fn report(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| {
        let outcome = match row.outcome {
            Outcome::Pass => "PASS",
            Outcome::Fail => "FAIL",
            Outcome::Skipped => "SKIPPED",
        };
        let latency = format!("{:.1}", row.latency_ms);
        [
            row.check.to_owned(),
            outcome.to_owned(),
            latency,
            check::abridged(&row.seen),
        ]
    });
    let mut text = table(["check", "result", "ms", "seen"], lines);
    let count = |outcome: Outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    text.push_str(&format!(
        "\n\n{} passed, {} failed, {} skipped",
        count(Outcome::Pass),
        count(Outcome::Fail),
        count(Outcome::Skipped)
    ));
    if let Some((row, hop, step)) = rows
        .iter()
        .find_map(|row| Some((row, row.hop?, row.next_step?)))
    {
        text.push_str(&format!(
            "\n\nFirst broken hop: {hop} ({})\n  seen: {}\n  do:   {step}",
            row.check, row.seen
        ));
    }
    text
}

async fn inspect(no_hold: bool, ctx: &Context) -> anyhow::Result<Exit> {
    let call = file::load(&ctx.config.paths)?.gateway;
    let environment = ctx.open_environment().await?;
    let endpoint = Endpoint::of(&environment.settings)?;
    let session = open_session(&environment).await?;
    let tools = session.tools().await;
    session.close().await;
    let tools = tools?;
    let tool = arguments::resolve(&call.tool, &tools)?;
    let hold = environment.emulator().is_some() && !no_hold;
    let set_up = SetUp::new(
        &environment.name,
        &endpoint.gateway,
        &tool.name,
        &call.arguments,
        hold,
    );
    ctx.console.data(&match ctx.console.format() {
        Format::Human => set_up.to_string(),
        Format::Json => serde_json::to_string(&set_up)?,
    });
    if hold {
        ctx.cancel.cancelled().await;
    } else if environment.emulator().is_some() {
        ctx.console.note(
            "The emulator behind this URL ends a few seconds from now, unless another command uses it.",
        );
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
