//! What one question of a run came to.

use std::time::Duration;

use eval_suite::client::{InvokeErrorKind, Usage};
use serde::Serialize;

use super::scenario::Class;

/// One question and what became of it. Times are offsets from the start of the run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    /// Kind of traffic.
    pub(crate) class: Class,
    /// Language of the question.
    pub(crate) language: String,
    /// Index of the prompt in the scenario.
    pub(crate) prompt: usize,
    /// Place in its session, from 0.
    pub(crate) turn: usize,
    /// When the schedule wanted it sent; `None` where no schedule exists (closed users).
    #[serde(serialize_with = "as_ms")]
    pub(crate) intended_ms: Option<Duration>,
    /// When it was sent.
    #[serde(serialize_with = "as_ms")]
    pub(crate) sent_ms: Option<Duration>,
    /// When its last byte, or its failure, was there.
    #[serde(serialize_with = "as_ms")]
    pub(crate) end_ms: Option<Duration>,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Tokens, when the agent says.
    pub(crate) usage: Option<Usage>,
    /// The model that answered, when the agent says.
    pub(crate) model_id: Option<String>,
}

/// How a question ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Outcome {
    /// With an answer.
    Answered {
        /// Whether the answer declines to help.
        refused: bool,
        /// The answer, kept only where it should have declined and did not.
        #[serde(skip_serializing_if = "Option::is_none")]
        unrefused_answer: Option<String>,
    },
    /// Without one.
    Failed {
        /// Whose fault, as far as the wire tells.
        error: ErrorKind,
        /// The error's text.
        message: String,
    },
    /// Not at all: the run ended first. Counted, and in no rate.
    Cut,
}

/// Classes of failure, each with somebody who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorKind {
    /// 409, 429: the rate is too high.
    Throttled,
    /// 402: an account quota.
    Quota,
    /// No answer within the scenario's timeout.
    Timeout,
    /// The target could not be reached.
    Connect,
    /// 424 or an unreadable answer: the agent's own code.
    AgentFault,
    /// 404.
    NotFound,
    /// 401, 403: credentials.
    Denied,
    /// 400: this program's request.
    Invalid,
    /// HTTP 200 with nothing in it.
    EmptyAnswer,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// Who can do something about it.
    pub(crate) fn owner(self) -> &'static str {
        match self {
            Self::Throttled | Self::Quota => "AWS limits of the account",
            Self::Timeout | Self::AgentFault | Self::EmptyAnswer => "the agent",
            Self::Connect => "network or target address",
            Self::NotFound | Self::Denied => "target and credentials",
            Self::Invalid => "this tool",
            Self::Other => "unknown",
        }
    }
}

impl From<InvokeErrorKind> for ErrorKind {
    fn from(kind: InvokeErrorKind) -> Self {
        match kind {
            InvokeErrorKind::Throttled => Self::Throttled,
            InvokeErrorKind::Quota => Self::Quota,
            InvokeErrorKind::Timeout => Self::Timeout,
            InvokeErrorKind::Connect => Self::Connect,
            InvokeErrorKind::AgentFault => Self::AgentFault,
            InvokeErrorKind::NotFound => Self::NotFound,
            InvokeErrorKind::Denied => Self::Denied,
            InvokeErrorKind::Invalid => Self::Invalid,
            InvokeErrorKind::Other => Self::Other,
        }
    }
}

impl Record {
    /// From sending to the last byte.
    pub(crate) fn service(&self) -> Option<Duration> {
        Some(self.end_ms?.saturating_sub(self.sent_ms?))
    }

    /// From the intended start to the last byte: what a user on the schedule waited.
    pub(crate) fn response(&self) -> Option<Duration> {
        Some(self.end_ms?.saturating_sub(self.intended_ms?))
    }

    /// How late this program sent it.
    pub(crate) fn lag(&self) -> Option<Duration> {
        Some(self.sent_ms?.saturating_sub(self.intended_ms?))
    }
}

fn as_ms<S: serde::Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| (time.as_secs_f64() * 1e6).round() / 1e3)
        .serialize(serializer)
}
