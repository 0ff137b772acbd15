//! Langfuse: the dataset there, and experiments as its current SDK writes them.
//!
//! An experiment makes no run-item call: spans carry `langfuse.experiment.*` attributes, and
//! scores point at the span of the task (Langfuse Python SDK 5, server 4.16 and later).

mod client;
mod datasets;
mod experiments;
mod scores;

pub use client::{
    LANGFUSE_BASE_URL, LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY, LangfuseClient,
    LangfuseError, Project,
};
pub use datasets::{RemoteDataset, RemoteItem};
pub use experiments::{Experiment, experiment_id};
pub use scores::{Score, ScoreReceipt, ScoreSubject, ScoreValue, aggregate_scores};
