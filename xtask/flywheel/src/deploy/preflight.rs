//! Asks the agent itself whether it would start with these hyperparameters, before anything is deployed.
//!
//! What a hyperparameter may be is the agent's knowledge, and the agent is at hand: `agent --check` reads its
//! environment as it does in a container, and exits with 0 or with 2 and the reason on stderr.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use super::{HYPERPARAMETERS, Hyperparameters};
use crate::config::{ConfigError, Paths};

/// The agent refuses within milliseconds; one that is still running has not refused.
const LIMIT: Duration = Duration::from_secs(2);
/// Exit code by which the agent refuses its environment.
const REFUSED: i32 = 2;

/// Refuses what the agent would refuse. `place` says where the hyperparameters are written.
///
/// Only a refusal counts: a binary for another processor cannot be asked here, and the runtime will tell.
pub(crate) async fn check(
    paths: &Paths,
    place: &str,
    hyperparameters: &Hyperparameters,
) -> Result<(), ConfigError> {
    match refusal(&paths.binary("agent"), &paths.prompts(), hyperparameters).await {
        Some(reason) => Err(ConfigError::new(place, reason)),
        None => Ok(()),
    }
}

async fn refusal(
    agent: &Path,
    prompts: &Path,
    hyperparameters: &Hyperparameters,
) -> Option<String> {
    let child = Command::new(agent)
        .arg("--check")
        .env_clear()
        .env(
            HYPERPARAMETERS,
            Value::Object(hyperparameters.clone()).to_string(),
        )
        .env("AGENT_PROMPTS_DIR", prompts)
        // An agent that does not know the option starts to serve: on no fixed port, with nothing to look for.
        .env("HOST", "127.0.0.1")
        .env("PORT", "0")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let output = tokio::time::timeout(LIMIT, child.wait_with_output())
        .await
        .ok()?
        .ok()?;
    (output.status.code() == Some(REFUSED))
        .then(|| reason(&String::from_utf8_lossy(&output.stderr)))
}

/// The `error` of the last line that has one: the agent logs JSON lines. Otherwise the last line.
fn reason(stderr: &str) -> String {
    let logged = |line: &str| -> Option<String> {
        let line: Value = serde_json::from_str(line).ok()?;
        line.get("error")?.as_str().map(str::to_owned)
    };
    let last = || {
        stderr
            .lines()
            .last()
            .unwrap_or("the agent refused to start")
            .to_owned()
    };
    stderr.lines().rev().find_map(logged).unwrap_or_else(last)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// What is refused when the agent is this shell script.
    async fn check(script: &str) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let agent = dir.path().join("agent");
        std::fs::write(&agent, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755)).unwrap();
        let hyperparameters =
            Hyperparameters::from_iter([("temperature".to_owned(), Value::from(9))]);
        refusal(&agent, dir.path(), &hyperparameters).await
    }

    #[tokio::test]
    async fn a_refusal_is_passed_on_in_the_agents_words() {
        let script = r#"echo '{"level":"WARN","message":"x"}' >&2
            echo "{\"error\":\"$1 found $(echo "$AGENT_HYPERPARAMS" | tr -d '"')\"}" >&2; exit 2"#;
        assert_eq!(
            check(script).await.unwrap(),
            "--check found {temperature:9}"
        );
        assert_eq!(
            check("echo 'no such thing' >&2; exit 2").await.unwrap(),
            "no such thing"
        );
    }

    #[tokio::test]
    async fn nothing_else_is_a_refusal() {
        assert_eq!(check("exit 0").await, None);
        assert_eq!(check("exit 1").await, None);
        let missing = Path::new("/nonexistent/agent");
        assert_eq!(
            refusal(missing, missing, &Hyperparameters::new()).await,
            None
        );
    }
}
