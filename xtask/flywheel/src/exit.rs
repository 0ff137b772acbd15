//! Exit codes: what a shell, a person and CI can tell from the number alone.

use std::process::ExitCode;

use eval_suite::cost::PriceError;
use eval_suite::dataset::DatasetError;
use eval_suite::gate::GateConfigError;
use eval_suite::langfuse::LangfuseError;

use crate::aws::AwsError;
use crate::config::ConfigError;
use crate::dataset::sap::SapError;
use crate::deploy::registry::RegistryError;
use crate::deploy::runtime::RuntimeError;
use crate::gateway::ToolFailed;
use crate::gateway::session::SessionError;
use crate::gateway::token::TokenError;
use crate::local::LocalError;

/// The closed set of ways a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for is done.
    Done = 0,
    /// A failure nobody foresaw: a bug in the tool.
    Unexpected = 1,
    /// Wrong usage or a broken file; nothing was deployed.
    Usage = 2,
    /// A metric fell short of its threshold.
    Gate = 3,
    /// Finished, but some items failed; the report says which.
    Partial = 4,
    /// A threshold could not be measured: never green.
    Inconclusive = 5,
    /// A cloud service, the registry or the emulator refused or did not answer.
    Cloud = 6,
    /// Interrupted by Ctrl-C after cleaning up (128 + SIGINT, as shells count).
    Interrupted = 130,
}

/// The table printed at the end of `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done
    1  unexpected failure: a bug in this tool
    2  wrong usage, or a broken file (nothing was deployed)
    3  gate: a metric fell short
    4  finished, but some items failed: look at the report
    5  gate: inconclusive, too few scored cases
    6  cloud or emulator refused or did not answer
  130  interrupted (Ctrl-C); what the run had created was deleted first";

/// The command stopped because the user asked for it.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Chooses the exit code of an error by the first link of its chain that has a meaning for the caller.
pub(crate) fn classify(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if cause.is::<Interrupted>() {
            return Exit::Interrupted;
        }
        if cause.is::<ConfigError>()
            || cause.is::<DatasetError>()
            || cause.is::<PriceError>()
            || cause.is::<GateConfigError>()
        {
            return Exit::Usage;
        }
        if matches!(
            cause.downcast_ref(),
            Some(RuntimeError::EnvironmentTooLarge { .. })
        ) {
            return Exit::Usage;
        }
        if cause.is::<AwsError>()
            || cause.is::<RegistryError>()
            || cause.is::<RuntimeError>()
            || cause.is::<LocalError>()
            || cause.is::<LangfuseError>()
            || cause.is::<TokenError>()
            || cause.is::<SessionError>()
            || cause.is::<ToolFailed>()
            || cause.is::<SapError>()
        {
            return Exit::Cloud;
        }
    }
    Exit::Unexpected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: impl Into<anyhow::Error>, expected: Exit) {
        let error = error.into().context("run a study").context("outermost");
        assert_eq!(classify(&error), expected, "{error:#}");
    }

    #[test]
    fn the_cause_decides_however_deep_it_lies() {
        check(ConfigError::new("hpo.toml", "no such key"), Exit::Usage);
        check(
            AwsError::sample("ECR", "CreateRepository", "AccessDenied"),
            Exit::Cloud,
        );
        check(Interrupted, Exit::Interrupted);
        check(std::io::Error::other("disk"), Exit::Unexpected);
    }
}
