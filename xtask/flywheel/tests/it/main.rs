//! The `flywheel` binary as a child process. What needs the emulator and the agent runs through `cargo xtask`.

#![expect(clippy::unwrap_used, reason = "tests")]

mod environment;
mod eval_run;
mod eval_run_scale;
mod gateway;
mod help;
mod hpo;
mod support;
