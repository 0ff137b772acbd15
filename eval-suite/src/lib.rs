//! What "good" means, as a library and as cargo tests.
//!
//! A [`dataset::Dataset`] holds questions and what a right answer contains. An
//! [`experiment`] asks an agent every question once through a [`client::AgentClient`], lets every
//! [`evaluator::Evaluator`] look at the reply, and can show the run in Langfuse. A [`gate`] turns
//! the scores into one of three verdicts, and the [`harness`] makes each case and each gate a test.
//!
//! Modules are declared in layering order: each may use the ones above it.

#![warn(missing_docs)]

mod secret;

mod tls;

pub mod language;

pub mod text;

pub mod dataset;

pub mod client;

pub mod trajectory;

pub mod cost;

pub mod stats;

pub mod judge;

pub mod evaluator;

pub mod results;

pub mod gate;

pub mod langfuse;

pub mod experiment;

pub mod harness;
