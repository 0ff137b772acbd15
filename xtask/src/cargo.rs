//! The workspace as seen from a task: its root, its `cargo`, and how commands are run and reported.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell, cmd};

/// The four binaries that a local run is made of; always built together, so that their dependencies are
/// compiled once with one set of features.
pub(crate) const BINARIES: [&str; 4] = ["flywheel", "emulator", "agent", "sap-lambda"];

/// Variables that cargo sets for the process it runs.
const OUTER_CARGO: [&str; 5] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_PRIMARY_",
];

/// Where the workspace lies, and a shell that stands in it.
pub(crate) struct Workspace {
    pub(crate) shell: Shell,
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// Finds the workspace from this crate's own place in it.
    pub(crate) fn new() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the xtask crate lies in the workspace root")?
            .to_path_buf();
        let shell = Shell::new()?;
        shell.change_dir(&root);
        Ok(Self { shell, root })
    }

    /// `cargo` of the toolchain that runs this task, without what the outer cargo told this process about itself:
    /// build scripts that watch those variables (ring's does) would run again, and everything above them compile
    /// again, each time the two ways of calling cargo take turns.
    pub(crate) fn cargo(&self) -> Cmd<'_> {
        #[expect(
            clippy::disallowed_methods,
            reason = "names only, to take them out of a child's environment"
        )]
        let outer = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let outer = outer.filter(|name| OUTER_CARGO.iter().any(|prefix| name.starts_with(prefix)));
        outer.fold(cmd!(self.shell, "cargo").quiet(), |cargo, name| {
            cargo.env_remove(name)
        })
    }

    /// Folder of the debug binaries.
    pub(crate) fn bin_dir(&self) -> Result<PathBuf> {
        Ok(self.target_dir()?.join("debug"))
    }

    /// Cargo's target folder, wherever the user's configuration puts it.
    pub(crate) fn target_dir(&self) -> Result<PathBuf> {
        let metadata = self.metadata(&["--no-deps"])?;
        let target = metadata["target_directory"]
            .as_str()
            .context("cargo metadata names a target directory")?;
        Ok(PathBuf::from(target))
    }

    /// `cargo metadata` as JSON.
    pub(crate) fn metadata(&self, extra: &[&str]) -> Result<serde_json::Value> {
        let text = self
            .cargo()
            .args(["metadata", "--format-version", "1", "--locked"])
            .args(extra)
            .ignore_stderr()
            .read()
            .context("failed to read `cargo metadata`; is Cargo.lock up to date?")?;
        serde_json::from_str(&text).context("failed to parse `cargo metadata`")
    }

    /// Builds the binaries of a local run; cargo's own progress is what the user sees.
    pub(crate) fn build_binaries(&self) -> Result<()> {
        let packages = BINARIES.iter().flat_map(|name| ["--package", name]);
        self.cargo()
            .args(["build", "--locked", "--bins"])
            .args(packages)
            .run()
            .context("failed to build the local binaries")
    }
}

/// Runs one named step, prints its name before and its time after.
pub(crate) fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    say(&format!("── {name}"));
    let start = Instant::now();
    run().with_context(|| format!("`{name}` failed"))?;
    say(&format!(
        "   {name}: ok in {:.1} s",
        start.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Progress and messages go to standard error: standard output is for data.
#[expect(
    clippy::print_stderr,
    reason = "the one place this crate writes to standard error"
)]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
