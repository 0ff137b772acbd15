//! What an image's process is: executable, arguments, working directory and environment, all inside
//! the unpacked root. There is no `chroot`: the process sees the machine's files too.

use std::{
    collections::VecDeque,
    ffi::OsString,
    path::{Component, Path, PathBuf},
};

use super::pull::Config;

/// Links followed before a path is given up.
const MAX_LINKS: u32 = 40;
/// Where a bare command is looked for when the image sets no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A process to start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) command: Vec<String>,
    pub(super) cwd: PathBuf,
    pub(super) env: Vec<(String, String)>,
}

/// An image without a process to start.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    #[error("the image has neither Entrypoint nor Cmd")]
    None,
    #[error("the image's executable `{0}` is not in the image")]
    NotFound(String),
    #[error("the image's working directory `{dir}` cannot be made")]
    WorkingDir { dir: String, source: std::io::Error },
}

pub(super) fn resolve(root: &Path, config: &Config) -> Result<Entry, EntryError> {
    let env: Vec<(String, String)> = config
        .env
        .iter()
        .flatten()
        .filter_map(|line| {
            line.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        })
        .collect();
    let words: Vec<&String> = config
        .entrypoint
        .iter()
        .flatten()
        .chain(config.cmd.iter().flatten())
        .collect();
    let [executable, arguments @ ..] = words.as_slice() else {
        return Err(EntryError::None);
    };

    let dir = config
        .working_dir
        .as_deref()
        .filter(|dir| !dir.is_empty())
        .unwrap_or("/");
    let cwd = match inside(root, Path::new(dir)) {
        Some(cwd) if cwd.is_dir() => cwd,
        // Container engines make a working directory that is not there.
        _ => {
            let plain: PathBuf = Path::new(dir)
                .components()
                .filter(|it| matches!(it, Component::Normal(_)))
                .collect();
            let cwd = root.join(plain);
            std::fs::create_dir_all(&cwd).map_err(|source| EntryError::WorkingDir {
                dir: dir.to_owned(),
                source,
            })?;
            cwd
        }
    };

    let path = env
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or(DEFAULT_PATH, |(_, value)| value.as_str());
    let candidates: Vec<PathBuf> = if executable.contains('/') {
        vec![Path::new(dir).join(executable)]
    } else {
        path.split(':')
            .map(|folder| Path::new(folder).join(executable))
            .collect()
    };
    let mut found = candidates
        .iter()
        .filter_map(|candidate| inside(root, candidate));
    let found = found
        .find(|path| path.is_file())
        .ok_or_else(|| EntryError::NotFound((*executable).clone()))?;

    let mut command = vec![found.display().to_string()];
    command.extend(arguments.iter().map(|argument| (*argument).clone()));
    Ok(Entry { command, cwd, env })
}

/// Where a path of the image lies on this machine. Links are followed as the container would follow
/// them: an absolute target starts at the image's root, and `..` ends there.
fn inside(root: &Path, path: &Path) -> Option<PathBuf> {
    let mut todo: VecDeque<OsString> = parts(path);
    let mut found = PathBuf::new();
    let mut links = 0;
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            found.pop();
            continue;
        }
        let next = found.join(&part);
        match std::fs::read_link(root.join(&next)) {
            Ok(target) => {
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                if target.is_absolute() {
                    found = PathBuf::new();
                }
                for part in parts(&target).into_iter().rev() {
                    todo.push_front(part);
                }
            }
            Err(_) => found = next,
        }
    }
    let found = root.join(found);
    found.exists().then_some(found)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests;
