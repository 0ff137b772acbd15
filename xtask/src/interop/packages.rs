//! What the scripts stand on, pinned and private: a green run names what it was green with.

use std::env::join_paths;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::cargo::Workspace;
use crate::install;

/// From PyPI. Node.js comes from there too, so that nothing but `python3` must be there.
const PYTHON: [&str; 7] = [
    "autoevals==0.4.1",
    "boto3==1.44.5",
    "langfuse==5.0.4",
    "mcp==2.3.0",
    install::NODE_WHEEL,
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
/// The installed packages.
pub(super) struct Installed {
    python: PathBuf,
    /// Python of the environment with Inspect AI, when it was asked for.
    inspect: Option<PathBuf>,
    node: PathBuf,
    folder: PathBuf,
}

impl Installed {
    /// Python with its packages; it finds `node`, and in `NODE_PACKAGES` the folder with `node_modules`.
    pub(super) fn python(&self) -> Command {
        self.with_variables(&self.python)
    }

    /// Python with Inspect AI in place of the other packages.
    pub(super) fn inspect_python(&self) -> Command {
        self.with_variables(self.inspect.as_ref().unwrap_or(&self.python))
    }

    fn with_variables(&self, python: &Path) -> Command {
        let mut command = Command::new(python);
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
pub(super) fn install(
    workspace: &Workspace,
    with_node: bool,
    with_inspect: bool,
) -> Result<Installed> {
    let folder = workspace.target_dir()?.join("interop");
    let python = install::python(workspace, &folder, &PYTHON)?;
    let node = install::node(workspace, &python)?;
    if with_node {
        install::npm(workspace, &node, &folder, &NODE)?;
    }
    let inspect = with_inspect
        .then(|| install::inspect(workspace))
        .transpose()?;
    Ok(Installed {
        python,
        inspect,
        node,
        folder,
    })
}
