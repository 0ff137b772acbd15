//! A model that judges: a question with a closed set of answers, asked through a forced tool call.
//!
//! What is judged is data: it stands in delimited blocks, and a delimiter inside it is neutralised. Whatever is not one
//! of the offered choices is no verdict, and after one repeat it is an error: a judge that failed never becomes a score.

mod ask;
mod bedrock;
pub mod calibration;
mod choices;
mod config;
mod model;
mod order;
mod prompt;
mod scripted;
mod tally;

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::client::Environment;
use crate::cost::PriceTable;

pub use bedrock::BedrockJudge;
pub use choices::{Choices, FactualityMap};
pub use config::{AnswerForm, Config, ConfigError};
pub use model::{Answer, JudgeModel, ModelError, ModelErrorKind, Request, Tool};
pub(crate) use order::PREFERENCE;
pub use order::Preference;
pub use prompt::{Prompt, PromptError, Values};
pub use scripted::{ScriptedJudge, Step};

/// What a model that judges did for one score, failed attempts included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgeRecord {
    /// The judge's model.
    pub model_id: String,
    /// Labels the judge gave, vote by vote, in order.
    pub votes: Vec<String>,
    /// Share of the most frequent label among the votes, 0..=1.
    pub agreement: f64,
    /// Requests to the model, repeats included.
    pub calls: u32,
    /// Tokens read by the model.
    pub input_tokens: u64,
    /// Tokens written by the model.
    pub output_tokens: u64,
    /// US dollars, when the model's price is known; never part of the agent's cost.
    pub cost_usd: Option<f64>,
}

impl JudgeRecord {
    /// The record of several questions behind one score: votes in order, amounts added up, agreement the mean over
    /// the votes. A cost that is unknown for one is unknown for all.
    pub fn merged(records: impl IntoIterator<Item = Self>) -> Self {
        let mut records = records.into_iter();
        let Some(mut sum) = records.next() else {
            return Self::default();
        };
        for record in records {
            let (mine, theirs) = (sum.votes.len() as f64, record.votes.len() as f64);
            if mine + theirs > 0.0 {
                sum.agreement =
                    (sum.agreement * mine + record.agreement * theirs) / (mine + theirs);
            }
            sum.votes.extend(record.votes);
            sum.calls += record.calls;
            sum.input_tokens += record.input_tokens;
            sum.output_tokens += record.output_tokens;
            sum.cost_usd = sum.cost_usd.zip(record.cost_usd).map(|(a, b)| a + b);
        }
        sum
    }
}

/// A verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// Mean score of the votes, or the median where no label leads.
    pub value: f64,
    /// Score of the leading label, or the median where none leads: what a pass is decided by.
    pub score: f64,
    /// The leading label, `split` where none leads.
    pub label: String,
    /// The reasons of the first vote for the leading label, one line.
    pub reason: String,
    /// What it took.
    pub record: JudgeRecord,
}

/// A list taken out of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Extracted {
    /// The items, in the model's order, none empty.
    pub items: Vec<String>,
    /// What it took; there are no votes.
    pub record: JudgeRecord,
}

/// No verdict, and why.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("judge {model_id}: {message}")]
pub struct JudgeError {
    /// The judge's model.
    pub model_id: String,
    /// What was asked and what came back.
    pub message: String,
}

/// What a judge has consumed since it was made, verdict or not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Requests that were answered.
    pub calls: u64,
    /// Tokens read by the model.
    pub input_tokens: u64,
    /// Tokens written by the model.
    pub output_tokens: u64,
    /// US dollars; `None` when the model has no price.
    pub cost_usd: Option<f64>,
}

/// Asks a model to judge. Shared by all evaluators of a run: it bounds how many requests are under way.
pub struct Judge {
    model: Arc<dyn JudgeModel>,
    config: Config,
    prices: Option<PriceTable>,
    slots: Semaphore,
    spent: Mutex<Spent>,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Judge {
    /// A judge that asks this model.
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn new(
        model: Arc<dyn JudgeModel>,
        config: Config,
        prices: Option<PriceTable>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            model,
            slots: Semaphore::new(config.max_concurrency),
            config,
            prices,
            spent: Mutex::default(),
        })
    }

    /// A judge on Bedrock, or on what stands in for it, as the environment says.
    ///
    /// # Errors
    /// When a setting is outside its range. Nothing is asked yet.
    pub async fn connect(
        environment: &Environment,
        config: Config,
        prices: Option<PriceTable>,
    ) -> Result<Self, ConfigError> {
        Self::new(
            Arc::new(BedrockJudge::connect(environment).await),
            config,
            prices,
        )
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Everything consumed so far, also by questions that got no verdict.
    pub fn spent(&self) -> Spent {
        let mut spent = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.cost_usd = self.cost_usd(spent.input_tokens, spent.output_tokens);
        spent
    }

    /// Lets the model choose among labels, once a vote.
    ///
    /// The leading label decides; where none leads, the label is `split` and the median score counts. One vote without
    /// a verdict is no verdict at all: a mean over the votes that happened to work would not be the planned one.
    ///
    /// # Errors
    /// When a vote got no usable answer, after one repeat, or the model could not be reached.
    pub async fn choose(
        &self,
        prompt: &Prompt,
        values: &Values,
        choices: &Choices,
    ) -> Result<Ruling, JudgeError> {
        let user = prompt.render(values).map_err(|error| self.error(error))?;
        let tool = Tool::select_choice(choices, self.config.use_cot);
        let votes = join_all(
            (1..=self.config.votes)
                .map(|vote| self.vote(prompt, &user, &tool, vote, |input| choices.read(input))),
        )
        .await;
        let mut counted = Vec::with_capacity(votes.len());
        let mut taken = ask::Taken::default();
        for vote in votes {
            let (choice, cost) = vote?;
            counted.push(choice);
            taken.add(&cost);
        }
        let tally = tally::count(&counted, choices);
        Ok(Ruling {
            value: tally.value,
            score: tally.score,
            label: tally.label,
            reason: tally.reason,
            record: self.record(
                taken,
                counted.into_iter().map(|choice| choice.label).collect(),
                tally.agreement,
            ),
        })
    }

    /// Lets the model list something, once: votes make no sense on lists.
    ///
    /// # Errors
    /// As [`Judge::choose`].
    pub async fn extract(&self, prompt: &Prompt, values: &Values) -> Result<Extracted, JudgeError> {
        let user = prompt.render(values).map_err(|error| self.error(error))?;
        let tool = Tool::extract_items();
        let (items, taken) = self
            .vote(prompt, &user, &tool, 1, model::read_items)
            .await?;
        Ok(Extracted {
            items,
            record: self.record(taken, Vec::new(), 1.0),
        })
    }

    /// What of the judge decides about a verdict, beside prompt and choices.
    pub fn identity(&self) -> String {
        self.config.identity()
    }

    fn record(&self, taken: ask::Taken, votes: Vec<String>, agreement: f64) -> JudgeRecord {
        JudgeRecord {
            model_id: self.config.model_id.clone(),
            votes,
            agreement,
            calls: taken.calls,
            input_tokens: taken.input_tokens,
            output_tokens: taken.output_tokens,
            cost_usd: self.cost_usd(taken.input_tokens, taken.output_tokens),
        }
    }

    fn cost_usd(&self, input_tokens: u64, output_tokens: u64) -> Option<f64> {
        let usage = crate::client::Usage {
            input_tokens,
            output_tokens,
            ..crate::client::Usage::default()
        };
        self.prices
            .as_ref()?
            .cost_usd(&self.config.model_id, &usage)
    }

    fn error(&self, message: impl ToString) -> JudgeError {
        JudgeError {
            model_id: self.config.model_id.clone(),
            message: message.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
