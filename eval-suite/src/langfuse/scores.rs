//! Scores, many at once.

use std::sync::atomic::Ordering;

use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::client::{Body, LangfuseClient, LangfuseError, decode};
use crate::report::EvaluatorLine;

/// Scores a request; the body limit is 1 MiB and a score with its reason stays below 2 KB.
const BATCH: usize = 200;
/// Single requests at once, for servers without the array form.
const CONCURRENT_SINGLES: usize = 4;
/// Characters of a reason that are sent.
const COMMENT_CHARACTERS: usize = 500;

/// What a score is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ScoreSubject {
    /// One span of a trace.
    Observation {
        /// The trace.
        #[serde(rename = "traceId")]
        trace_id: String,
        /// The span.
        #[serde(rename = "observationId")]
        observation_id: String,
    },
    /// A whole experiment.
    Experiment {
        /// The experiment's id; the API keeps the older name.
        #[serde(rename = "datasetRunId")]
        experiment_id: String,
    },
}

/// A score's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ScoreValue {
    /// NUMERIC.
    Number(f64),
    /// CATEGORICAL.
    Label(String),
}

/// One score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Sending the same id again updates the score.
    pub id: String,
    /// What it is about.
    #[serde(flatten)]
    pub subject: ScoreSubject,
    /// Its name: the evaluator's.
    pub name: String,
    /// Its value.
    pub value: ScoreValue,
    #[serde(rename = "dataType")]
    data_type: &'static str,
    /// The reason, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Further facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// When it was given, RFC 3339.
    pub timestamp: String,
}

impl Score {
    /// A score whose id follows from its subject and name, so that sending twice stores once.
    pub fn new(
        subject: ScoreSubject,
        name: impl Into<String>,
        value: ScoreValue,
        timestamp: impl Into<String>,
    ) -> Self {
        let name = name.into();
        let key = match &subject {
            ScoreSubject::Observation {
                trace_id,
                observation_id,
            } => [trace_id.as_str(), observation_id.as_str(), &name].join("/"),
            ScoreSubject::Experiment { experiment_id } => [experiment_id.as_str(), &name].join("/"),
        };
        let id = Sha256::digest(key.as_bytes())
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let data_type = match value {
            ScoreValue::Number(_) => "NUMERIC",
            ScoreValue::Label(_) => "CATEGORICAL",
        };
        Self {
            id,
            subject,
            name,
            value,
            data_type,
            comment: None,
            metadata: None,
            timestamp: timestamp.into(),
        }
    }

    /// Adds the reason, cut to what is readable.
    #[must_use]
    pub fn with_comment(mut self, comment: &str) -> Self {
        self.comment =
            (!comment.is_empty()).then(|| comment.chars().take(COMMENT_CHARACTERS).collect());
        self
    }
}

/// What a run says of each evaluator, as scores of the experiment: `mean_NAME`, how many scores it is the mean of
/// (`scored_NAME`), and how many are missing although they should be there (`missing_NAME`, also when it is 0).
///
/// Without any score there is no mean; a mean of nothing is not 0.
pub fn aggregate_scores(
    experiment_id: &str,
    lines: &[EvaluatorLine],
    timestamp: &str,
) -> Vec<Score> {
    let score = |name: String, value: f64, comment: &str| {
        let subject = ScoreSubject::Experiment {
            experiment_id: experiment_id.to_owned(),
        };
        Score::new(subject, name, ScoreValue::Number(value), timestamp).with_comment(comment)
    };
    let of_line = |line: &EvaluatorLine| {
        let estimate = line.estimate;
        let interval = estimate.lo.zip(estimate.hi).map_or_else(
            || "no interval".to_owned(),
            |(lo, hi)| format!("95 % interval {lo:.3} to {hi:.3}"),
        );
        let missing = line.missing_text();
        let comment = format!(
            "{interval}; {} of {} scored, {} failed{}{missing}",
            estimate.n,
            line.planned - line.not_applicable,
            line.failed,
            if missing.is_empty() {
                ""
            } else {
                "; missing: "
            },
        );
        let mut mean = estimate
            .mean
            .map(|mean| score(format!("mean_{}", line.name), mean, &comment));
        if let Some(mean) = &mut mean {
            mean.metadata = Some(json!({
                "n": estimate.n, "planned": line.planned, "failed": line.failed, "missing": line.missing(),
                "lo95": estimate.lo, "hi95": estimate.hi, "identity": line.identity,
            }));
        }
        let count = |what: &str, count: usize, comment: &str| {
            score(format!("{what}_{}", line.name), count as f64, comment)
        };
        mean.into_iter()
            .chain([
                count(
                    "scored",
                    estimate.n,
                    &format!("of {} planned", line.planned),
                ),
                count("missing", line.missing(), &missing),
            ])
            .collect::<Vec<_>>()
    };
    lines.iter().flat_map(of_line).collect()
}

/// How many scores arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScoreReceipt {
    /// Taken.
    pub accepted: usize,
    /// Refused.
    pub rejected: usize,
    /// The server's words about the refused ones.
    pub errors: Vec<String>,
}

#[derive(Deserialize)]
struct Partial {
    accepted: usize,
    rejected: usize,
    #[serde(default)]
    errors: Vec<PartialError>,
}

#[derive(Deserialize)]
struct PartialError {
    message: String,
}

impl LangfuseClient {
    /// Sends scores in arrays; a server that refuses arrays gets them one by one.
    ///
    /// # Errors
    /// [`LangfuseError`] when a request fails. Scores the server refuses one by one are in the receipt.
    pub async fn send_scores(&self, scores: &[Score]) -> Result<ScoreReceipt, LangfuseError> {
        let mut receipt = ScoreReceipt::default();
        for batch in scores.chunks(BATCH) {
            let sent = if self.single_scores.load(Ordering::Relaxed) {
                None
            } else {
                self.send_array(batch).await?
            };
            let part = match sent {
                Some(part) => part,
                None => self.send_singly(batch).await?,
            };
            receipt.accepted += part.accepted;
            receipt.rejected += part.rejected;
            receipt.errors.extend(part.errors);
        }
        Ok(receipt)
    }

    /// `None` when the server does not know the array form.
    async fn send_array(&self, batch: &[Score]) -> Result<Option<ScoreReceipt>, LangfuseError> {
        let operation = "write scores";
        let body = serde_json::to_value(batch).expect("scores have string keys only");
        match self.post(operation, &["scores"], Body::Json(body)).await {
            Ok((status, bytes)) if status.as_u16() == 207 => {
                let partial: Partial = decode(operation, &bytes)?;
                let errors = partial
                    .errors
                    .into_iter()
                    .map(|error| error.message)
                    .collect();
                Ok(Some(ScoreReceipt {
                    accepted: partial.accepted,
                    rejected: partial.rejected,
                    errors,
                }))
            }
            Ok(_) => Ok(Some(ScoreReceipt {
                accepted: batch.len(),
                ..ScoreReceipt::default()
            })),
            Err(error) if error.status() == Some(400) => {
                tracing::debug!(%error, "scores are sent one by one");
                self.single_scores.store(true, Ordering::Relaxed);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn send_singly(&self, batch: &[Score]) -> Result<ScoreReceipt, LangfuseError> {
        let outcomes: Vec<Option<String>> = futures::stream::iter(batch)
            .map(|score| async move {
                let body = serde_json::to_value(score).expect("a score has string keys only");
                match self
                    .post("write score", &["scores"], Body::Json(body))
                    .await
                {
                    Ok(_) => Ok(None),
                    Err(LangfuseError::Status {
                        status: 400,
                        message,
                        ..
                    }) => Ok(Some(format!("{}: {message}", score.name))),
                    Err(error) => Err(error),
                }
            })
            .buffer_unordered(CONCURRENT_SINGLES)
            .try_collect()
            .await?;
        let errors: Vec<String> = outcomes.into_iter().flatten().collect();
        Ok(ScoreReceipt {
            accepted: batch.len() - errors.len(),
            rejected: errors.len(),
            errors,
        })
    }
}
