//! `cargo xtask tidy`: house rules that a compiler cannot hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::cargo::{Workspace, say};

/// Dependency direction, layout, versions in one place, file sizes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Who may depend on which crate of the workspace, in the normal graph.
const MAY_DEPEND_ON: [(&str, &[&str]); 7] = [
    ("xtask", &[]),
    ("eval-bench", &[]),
    ("agent", &[]),
    ("sap-lambda", &[]),
    ("emulator", &[]),
    ("eval-suite", &[]),
    ("flywheel", &["eval-suite"]),
];

/// Crates that may appear as a dev-dependency of others: tests may start the emulator in their own process.
const DEV_ONLY: [&str; 1] = ["emulator"];

/// What must stay out of the front door, so that it builds in seconds.
const FRONT_DOOR_WITHOUT: [&str; 4] = ["tokio", "reqwest", "hyper", "aws-"];

/// What must stay out of the whole tree: a second TLS stack.
const NOWHERE: [&str; 3] = ["aws-lc-sys", "openssl-sys", "native-tls"];

/// Top level of the repository, as agreed with the user; the rest is what tools force there.
const TOP_LEVEL: [&str; 18] = [
    ".cargo",
    // nextest looks for its settings nowhere else.
    ".config",
    ".ci",
    ".git",
    ".github",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "agent",
    "datasets",
    "eval-suite",
    "rust-toolchain.toml",
    "sap-lambda",
    "target",
    "terraform",
    "xtask",
];

/// A file of this many lines or more has a seam nobody looked for.
const MOST_LINES: usize = 700;

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDep>,
}

#[derive(Debug, Deserialize)]
struct NodeDep {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Debug, Deserialize)]
struct DepKind {
    kind: Option<String>,
}

/// Collects every breach, then fails once with all of them.
pub(crate) fn run(workspace: &Workspace, Args {}: &Args) -> Result<()> {
    let metadata: Metadata = serde_json::from_value(workspace.metadata(&[])?)
        .context("failed to understand `cargo metadata`")?;
    let mut breaches = Vec::new();
    dependency_direction(&metadata, &mut breaches);
    absences(&metadata, &mut breaches);
    versions_in_one_place(&metadata, &mut breaches)?;
    top_level(&workspace.root, &mut breaches)?;
    sources(&workspace.root, &mut breaches)?;
    if breaches.is_empty() {
        return Ok(());
    }
    for breach in &breaches {
        say(&format!("tidy: {breach}"));
    }
    bail!("{} house rules broken", breaches.len())
}

fn dependency_direction(metadata: &Metadata, breaches: &mut Vec<String>) {
    let allowed: BTreeMap<&str, &[&str]> = MAY_DEPEND_ON.into_iter().collect();
    for package in metadata
        .packages
        .iter()
        .filter(|package| metadata.workspace_members.contains(&package.id))
    {
        let Some(may) = allowed.get(package.name.as_str()) else {
            breaches.push(format!(
                "crate `{}` is not in tidy's table of who may depend on whom",
                package.name
            ));
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| allowed.contains_key(dependency.name.as_str()))
        {
            let dev = dependency.kind.as_deref() == Some("dev");
            let fine = may.contains(&dependency.name.as_str())
                || (dev && DEV_ONLY.contains(&dependency.name.as_str()));
            if !fine {
                breaches.push(format!(
                    "`{}` must not depend on `{}`",
                    package.name, dependency.name
                ));
            }
        }
    }
}

/// Everything below `root` in the graph of normal and build dependencies.
fn reachable<'a>(metadata: &'a Metadata, root: &str) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<&str, &Node> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node))
        .collect();
    let mut open = vec![root];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let Some(node) = nodes.get(id) else { continue };
        for dep in &node.deps {
            let normal = dep
                .dep_kinds
                .iter()
                .any(|kind| kind.kind.as_deref() != Some("dev"));
            if normal && seen.insert(dep.pkg.as_str()) {
                open.push(&dep.pkg);
            }
        }
    }
    seen
}

fn absences(metadata: &Metadata, breaches: &mut Vec<String>) {
    let names: BTreeMap<&str, &str> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package.name.as_str()))
        .collect();
    for package in metadata
        .packages
        .iter()
        .filter(|package| metadata.workspace_members.contains(&package.id))
    {
        let below = reachable(metadata, &package.id);
        for name in below.iter().filter_map(|id| names.get(id)) {
            if package.name == "xtask"
                && FRONT_DOOR_WITHOUT
                    .iter()
                    .any(|banned| name.starts_with(banned))
            {
                breaches.push(format!(
                    "the front door pulls in `{name}`; it must build in seconds"
                ));
            }
        }
    }
    let used: BTreeSet<&str> = metadata
        .resolve
        .nodes
        .iter()
        .filter_map(|node| names.get(node.id.as_str()).copied())
        .collect();
    for banned in NOWHERE.iter().filter(|banned| used.contains(**banned)) {
        // `cargo metadata` resolves for every platform; a crate used only elsewhere is still one too many.
        breaches.push(format!(
            "`{banned}` is in the dependency graph; TLS is rustls with ring"
        ));
    }
}

/// Versions and features stand in the workspace table alone.
fn versions_in_one_place(metadata: &Metadata, breaches: &mut Vec<String>) -> Result<()> {
    for package in metadata
        .packages
        .iter()
        .filter(|package| metadata.workspace_members.contains(&package.id))
    {
        let text = fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("failed to read {}", package.manifest_path.display()))?;
        let mut in_dependencies = false;
        for (index, line) in text.lines().enumerate() {
            if let Some(section) = line.strip_prefix('[') {
                in_dependencies = section.contains("dependencies");
            } else if in_dependencies && line.contains('=') && !line.contains(".workspace = true") {
                breaches.push(format!(
                    "{}:{}: write `name.workspace = true`; versions and features stand in the root Cargo.toml",
                    package.manifest_path.display(),
                    index + 1
                ));
            }
        }
    }
    Ok(())
}

fn top_level(root: &Path, breaches: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root).context("failed to list the repository root")? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if !TOP_LEVEL.contains(&name.as_ref()) {
            breaches.push(format!("`{name}` does not belong to the top level"));
        }
    }
    Ok(())
}

/// Rust sources: no `mod.rs`, no file past the limit.
fn sources(root: &Path, breaches: &mut Vec<String>) -> Result<()> {
    for path in rust_files(root)? {
        let shown = path.strip_prefix(root).unwrap_or(&path).display();
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            breaches.push(format!(
                "{shown}: write `foo.rs` beside `foo/`, never `mod.rs`"
            ));
        }
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {shown}"))?;
        let lines = text.lines().count();
        if lines > MOST_LINES {
            breaches.push(format!(
                "{shown}: {lines} lines; look for a seam (limit {MOST_LINES})"
            ));
        }
    }
    Ok(())
}

fn rust_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open: Vec<PathBuf> = ["xtask", "agent", "sap-lambda", "eval-suite"]
        .iter()
        .map(|name| root.join(name))
        .collect();
    while let Some(folder) = open.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("failed to list {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
        let metadata = Metadata {
            packages: vec![Package {
                id: name.to_owned(),
                name: name.to_owned(),
                manifest_path: PathBuf::new(),
                dependencies: vec![Dependency {
                    name: dependency.to_owned(),
                    kind: kind.map(str::to_owned),
                }],
            }],
            workspace_members: vec![name.to_owned()],
            resolve: Resolve { nodes: Vec::new() },
        };
        let mut breaches = Vec::new();
        dependency_direction(&metadata, &mut breaches);
        breaches
    }

    #[test]
    fn direction_table() {
        assert!(check("flywheel", "eval-suite", None).is_empty());
        assert!(check("agent", "serde", None).is_empty());
        assert!(check("eval-suite", "emulator", Some("dev")).is_empty());
        assert_eq!(
            check("eval-suite", "emulator", None),
            ["`eval-suite` must not depend on `emulator`"]
        );
        assert_eq!(
            check("agent", "eval-suite", Some("dev")),
            ["`agent` must not depend on `eval-suite`"]
        );
        assert_eq!(check("stray", "serde", None).len(), 1);
    }

    /// The rules hold for the tree this test is built from.
    #[test]
    fn the_tree_is_tidy() {
        let workspace = Workspace::new().expect("the workspace is found");
        run(&workspace, &Args {}).expect("the tree is tidy");
    }
}
