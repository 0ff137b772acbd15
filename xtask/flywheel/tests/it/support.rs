//! A workspace in a temporary folder, and the binary run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with the files that the commands read: the committed configuration and a small dataset.
pub(crate) struct Workspace {
    dir: tempfile::TempDir,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let workspace = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for file in [
            "agent/hyperparams.toml",
            "eval-suite/gates.toml",
            "xtask/flywheel/config/hpo.toml",
            "xtask/flywheel/config/prices.toml",
            "xtask/flywheel/config/environments.toml",
            "xtask/flywheel/config/e2e.toml",
        ] {
            workspace.write(
                file,
                &std::fs::read_to_string(repository.join(file)).unwrap(),
            );
        }
        for prompt in ["english", "german", "hebrew"] {
            workspace.write(&format!("agent/prompts/{prompt}.md"), "Answer.");
        }
        workspace.write(
            "datasets/golden.jsonl",
            concat!(
                r#"{"dataset":"tiny","version":1,"description":"Two questions."}"#,
                "\n",
                r#"{"id":"one","input":"What is one?","language":"en","expected":{"facts":[{"text":"1"}]},"category":"happy"}"#,
                "\n",
                r#"{"id":"two","input":"What is two?","language":"en","expected":{"facts":[{"text":"2"}]},"category":"happy"}"#,
                "\n",
            ),
        );
        workspace
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Replaces `from`, which must be there, in a file.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        self.write(file, &text.replace(from, to));
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run(self.command(arguments).output().unwrap())
    }

    /// The binary, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flywheel"));
        command
            .args(arguments)
            .env_clear()
            .env("FLYWHEEL_ROOT", self.dir.path())
            .env("COLUMNS", "100")
            .current_dir(self.dir.path());
        command
    }
}

/// What a finished process said.
pub(crate) struct Run(Output);

impl Run {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.0.status.code(),
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout(),
            self.stderr()
        );
        self
    }
}
