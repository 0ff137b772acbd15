//! `judge steps`: criteria once turned into steps, so that every run judges by the same ones.

use clap::Parser;
use eval_suite::evaluator::judged::STEPS_PROMPT;
use eval_suite::judge::Prompt;
use serde_json::json;

use crate::cli::Context;
use crate::config::ConfigError;
use crate::eval::judge::JudgeArgs;
use crate::exit::Exit;
use crate::output::Format;

/// Arguments of `judge steps`.
#[derive(Debug, Parser)]
pub(super) struct Args {
    /// What a good answer is like, in your words
    #[arg(long)]
    criteria: String,
    #[command(flatten)]
    judge: JudgeArgs,
}

/// Runs `judge steps`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    if args.criteria.trim().is_empty() {
        return Err(ConfigError::new("--criteria", "is empty").into());
    }
    let setup = args.judge.setup(ctx).await?;
    let prompt = Prompt::parse(STEPS_PROMPT, &["criteria"])?;
    let Some(judge) = setup.judge else {
        return Ok(Exit::Unexpected);
    };
    let values = vec![("criteria", Some(args.criteria.clone()))];
    let steps = match judge.extract(&prompt, &values).await {
        Ok(found) if !found.items.is_empty() => found.items,
        Ok(_) => {
            ctx.console
                .note("The judge found no steps in these criteria.");
            return Ok(Exit::Partial);
        }
        Err(error) => {
            ctx.console.note(&error.to_string());
            return Ok(Exit::Partial);
        }
    };
    ctx.console.data(&match ctx.console.format() {
        Format::Json => {
            json!({"version": 1, "criteria": args.criteria, "steps": steps}).to_string()
        }
        Format::Human => format!(
            "{}\n\nGive them to the evaluator with --option 'steps={}'",
            steps
                .iter()
                .enumerate()
                .map(|(index, step)| format!("{}. {step}", index + 1))
                .collect::<Vec<_>>()
                .join("\n"),
            json!(steps)
        ),
    });
    Ok(Exit::Done)
}
