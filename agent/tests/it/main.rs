//! The agent against servers that speak the protocols it speaks. Everything listens on a free port of loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

mod app;
mod bedrock;
mod mcp;
mod oauth;
mod process;
mod traces;
