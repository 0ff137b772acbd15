//! Null simulations: how often the statistics err when there is nothing to find.
//!
//! Run by `cargo test -p eval-suite --test slow -- --ignored`, which `cargo xtask test --slow` does. Every simulation is
//! seeded; its rate is printed with `--nocapture` and held to the contract's limit (section 12.3).

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod early_stop;
mod gate;
mod support;
mod whole_gate;
mod winner;
