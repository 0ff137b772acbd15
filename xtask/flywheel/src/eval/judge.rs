//! The judge of a command: which model, how many votes, in which environment.

use anyhow::Context as _;
use clap::Parser;
use eval_suite::cost::PriceTable;
use eval_suite::evaluator::Setup;
use eval_suite::judge::{Config, FactualityMap, Judge};
use std::sync::Arc;

use crate::cli::Context;
use crate::config::ConfigError;
use crate::environment::LOCAL;

/// The emulator's model for judging; outside of it there is no default, because there is no model everybody may use.
const LOCAL_MODEL: &str = "simulated.arbiter-v1:0";

/// Which judge to ask, for evaluators that ask one.
#[derive(Debug, Clone, Parser)]
#[command(next_help_heading = "Judge")]
pub(crate) struct JudgeArgs {
    /// Bedrock model that judges; in the environment `local` a simulated one without this
    #[arg(long, value_name = "MODEL_ID")]
    judge_model: Option<String>,
    /// Votes on each question, an odd number
    #[arg(long, value_name = "N", default_value_t = 1)]
    votes: u32,
    /// Randomness of the judge, 0 to 1; left to the model without this
    #[arg(long, value_name = "T")]
    judge_temperature: Option<f64>,
    /// Most tokens of one answer of the judge; left to the model without this
    #[arg(long, value_name = "TOKENS")]
    judge_max_tokens: Option<u32>,
    /// Let the judge choose without giving reasons first
    #[arg(long)]
    no_reasons: bool,
}

impl JudgeArgs {
    /// Whether anything was asked for.
    pub(crate) fn is_given(&self) -> bool {
        let numbers = self.judge_temperature.is_some() || self.judge_max_tokens.is_some();
        self.judge_model.is_some() || self.votes != 1 || numbers || self.no_reasons
    }

    /// The settings, checked.
    pub(crate) fn config(&self, ctx: &Context) -> Result<Config, ConfigError> {
        let model_id = match &self.judge_model {
            Some(model) => model.clone(),
            None if ctx.environment == LOCAL => LOCAL_MODEL.to_owned(),
            None => {
                return Err(ConfigError::new(
                    "--judge-model",
                    format!(
                        "which model judges in the environment `{}`?",
                        ctx.environment
                    ),
                )
                .hint("name a Bedrock model that takes a forced tool call"));
            }
        };
        let config = Config {
            votes: self.votes,
            temperature: self.judge_temperature,
            max_tokens: self.judge_max_tokens,
            use_cot: !self.no_reasons,
            choice_map: FactualityMap::default(),
            ..Config::new(model_id)
        };
        config
            .check()
            .map_err(|error| ConfigError::new("judge", error))?;
        Ok(config)
    }

    /// Opens the environment and connects a judge to it.
    pub(crate) async fn setup(&self, ctx: &Context) -> anyhow::Result<Setup> {
        let config = self.config(ctx)?;
        let prices = PriceTable::load(&ctx.config.paths.prices())?;
        let environment = ctx.open_environment().await?;
        let judge = Judge::connect(environment.settings.all(), config, Some(prices.clone()))
            .await
            .context("connect the judge")?;
        Ok(Setup {
            prices: Some(prices),
            judge: Some(Arc::new(judge)),
            ..Setup::default()
        })
    }
}
