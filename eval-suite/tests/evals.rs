//! Every case of the golden dataset and every gate, one test item each.
//!
//! See the crate's README for the environment variables.

use std::process::ExitCode;

fn main() -> ExitCode {
    eval_suite::harness::main(env!("CARGO_MANIFEST_DIR"))
}
