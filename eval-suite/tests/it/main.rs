//! Integration tests of the evaluation suite: its clients against servers on a free port, and
//! experiments and the harness from end to end.

#![expect(clippy::unwrap_used, reason = "tests")]

mod agentcore;
mod evaluator_vectors;
mod experiment;
mod harness;
mod http;
mod journal;
mod judge;
mod langfuse;
mod publish;
mod scorers;
mod stats_vectors;
mod support;
