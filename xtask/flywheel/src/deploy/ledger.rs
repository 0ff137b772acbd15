//! The deployment ledger: what a run is about to create is written down, and on disk, before it is created.
//!
//! One append-only file a run: `target/flywheel/ledger/<run>.jsonl`. Its owner holds a lock on the file for as long
//! as it lives; the kernel releases the lock however the owner ends, so a ledger that can be locked belongs to
//! nobody, and the next deploying command deletes what it still lists. A process id would not prove that: ids are
//! reused.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// Finished ledgers kept for people to look at.
const KEPT_LEDGERS: usize = 50;

/// Why the ledger cannot be kept. Without it nothing may be created.
#[derive(Debug, thiserror::Error)]
#[error("{doing} the deployment ledger {}", path.display())]
pub(crate) struct LedgerError {
    doing: &'static str,
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

/// What can be created and must be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// An AgentCore runtime: goes before the repository whose image it runs.
    Runtime,
    /// An ECR repository.
    Repository,
}

/// One thing in the cloud. Ordered as it has to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Resource {
    /// What it is.
    pub(crate) kind: Kind,
    /// The name we gave it.
    pub(crate) name: String,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Runtime => "runtime",
            Kind::Repository => "repository",
        };
        write!(f, "{kind} {}", self.name)
    }
}

/// Who keeps a ledger and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Of this format; 1.
    pub(crate) version: u32,
    /// The run's id.
    pub(crate) run: String,
    /// The environment in which the resources are.
    pub(crate) environment: String,
    /// The owner's process id, for people.
    pub(crate) pid: u32,
    /// When it began, RFC 3339.
    pub(crate) at: String,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Opened(Header),
    Intent(Resource),
    Created {
        #[serde(flatten)]
        resource: Resource,
        id: String,
    },
    Deleted(Resource),
    /// Handed over to the user: to be deleted by `destroy` only.
    Kept(Resource),
    Closed,
}

/// The open ledger of this run.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

/// A ledger whose owner is dead, now owned by us.
#[derive(Debug)]
pub(crate) struct Abandoned {
    /// The ledger, to which the deletions are written.
    pub(crate) ledger: Ledger,
    /// Who kept it.
    pub(crate) header: Header,
    /// What it had not deleted, in the order to delete it.
    pub(crate) outstanding: Vec<Resource>,
}

impl Ledger {
    /// Begins the ledger of a run.
    pub(crate) fn open(dir: &Path, header: &Header) -> Result<Self, LedgerError> {
        let path = dir.join(format!("{}.jsonl", header.run));
        std::fs::create_dir_all(dir).map_err(failed("create", &path))?;
        // Locked first and named afterwards: nobody can find it unlocked.
        let temporary = dir.join(format!(".{}.new", header.run));
        let file = File::options()
            .create_new(true)
            .append(true)
            .read(true)
            .open(&temporary);
        let file = file.map_err(failed("create", &path))?;
        file.lock().map_err(failed("lock", &path))?;
        let ledger = Self {
            path,
            file: Mutex::new(file),
        };
        ledger.write(&Line::Opened(header.clone()))?;
        std::fs::rename(&temporary, &ledger.path).map_err(failed("name", &ledger.path))?;
        // A power cut must not take the name away again.
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(failed("sync", &ledger.path))?;
        Ok(ledger)
    }

    /// To be called, and to have returned, before a resource is created.
    pub(crate) fn intend(&self, resource: &Resource) -> Result<(), LedgerError> {
        self.write(&Line::Intent(resource.clone()))
    }

    /// It exists now, under this id.
    pub(crate) fn created(&self, resource: &Resource, id: &str) -> Result<(), LedgerError> {
        self.write(&Line::Created {
            resource: resource.clone(),
            id: id.to_owned(),
        })
    }

    /// It is gone.
    pub(crate) fn deleted(&self, resource: &Resource) -> Result<(), LedgerError> {
        self.write(&Line::Deleted(resource.clone()))
    }

    /// It is the user's now.
    pub(crate) fn kept(&self, resource: &Resource) -> Result<(), LedgerError> {
        self.write(&Line::Kept(resource.clone()))
    }

    /// What this run has created, or may have, and not deleted yet; in the order to delete it.
    pub(crate) fn outstanding(&self) -> Result<Vec<Resource>, LedgerError> {
        let text = std::fs::read_to_string(&self.path).map_err(failed("read", &self.path))?;
        Ok(outstanding(&parse(&text)))
    }

    /// Nothing is outstanding any more: the file moves to the finished ones.
    pub(crate) fn close(&self) -> Result<(), LedgerError> {
        self.write(&Line::Closed)?;
        let Some((dir, name)) = self.path.parent().zip(self.path.file_name()) else {
            return Ok(());
        };
        let finished = dir.join("finished");
        std::fs::create_dir_all(&finished).map_err(failed("create", &finished))?;
        std::fs::rename(&self.path, finished.join(name)).map_err(failed("move", &self.path))?;
        forget_oldest(&finished);
        Ok(())
    }

    fn write(&self, line: &Line) -> Result<(), LedgerError> {
        let mut text = serde_json::to_string(line)
            .map_err(|error| failed("write", &self.path)(error.into()))?;
        text.push('\n');
        let mut file = self
            .file
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(failed("write", &self.path))
    }
}

/// Takes over every ledger in `dir` whose owner is dead.
pub(crate) fn abandoned(dir: &Path) -> Result<Vec<Abandoned>, LedgerError> {
    let files = match std::fs::read_dir(dir) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", dir)(error)),
    };
    let mut paths: Vec<_> = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    paths.sort();
    paths
        .iter()
        .filter_map(|path| take_over(path).transpose())
        .collect()
}

fn take_over(path: &Path) -> Result<Option<Abandoned>, LedgerError> {
    let mut file = match File::options().append(true).read(true).open(path) {
        Ok(file) => file,
        // Its owner has just closed it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open", path)(error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(failed("lock", path)(error)),
    }
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(failed("read", path))?;
    if !text.is_empty() && !text.ends_with('\n') {
        // The owner died in the middle of a line; what follows must not be glued to it.
        file.write_all(b"\n").map_err(failed("write", path))?;
    }
    let lines = parse(&text);
    let header = lines.iter().find_map(|line| match line {
        Line::Opened(header) => Some(header.clone()),
        _ => None,
    });
    let Some(header) = header.filter(|_| path.exists() && !lines.contains(&Line::Closed)) else {
        return Ok(None);
    };
    let ledger = Ledger {
        path: path.to_owned(),
        file: Mutex::new(file),
    };
    Ok(Some(Abandoned {
        ledger,
        header,
        outstanding: outstanding(&lines),
    }))
}

/// A line that cannot be read is one that was not fully written; what it would have announced was not yet begun.
fn parse(text: &str) -> Vec<Line> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn outstanding(lines: &[Line]) -> Vec<Resource> {
    let mut open = BTreeSet::new();
    for line in lines {
        match line {
            Line::Intent(resource) | Line::Created { resource, .. } => {
                _ = open.insert(resource.clone())
            }
            Line::Deleted(resource) | Line::Kept(resource) => _ = open.remove(resource),
            Line::Opened(_) | Line::Closed => {}
        }
    }
    open.into_iter().collect()
}

fn forget_oldest(finished: &Path) {
    let Ok(files) = std::fs::read_dir(finished) else {
        return;
    };
    let mut files: Vec<_> = files
        .filter_map(Result::ok)
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())))
        .collect();
    files.sort();
    let surplus = files.len().saturating_sub(KEPT_LEDGERS);
    for (_, path) in files.into_iter().take(surplus) {
        // Only history; a file that stays does no harm.
        _ = std::fs::remove_file(path);
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError + use<> {
    let path = path.to_owned();
    move |source| LedgerError {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(run: &str) -> Header {
        Header {
            version: 1,
            run: run.to_owned(),
            environment: "local".to_owned(),
            pid: 7,
            at: "now".to_owned(),
        }
    }

    fn runtime(name: &str) -> Resource {
        Resource {
            kind: Kind::Runtime,
            name: name.to_owned(),
        }
    }

    fn repository(name: &str) -> Resource {
        Resource {
            kind: Kind::Repository,
            name: name.to_owned(),
        }
    }

    #[track_caller]
    fn check(lines: &str, expected: &[&str]) {
        let found: Vec<_> = outstanding(&parse(lines))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected, "{lines}");
    }

    const INTENT: &str = r#"{"event":"intent","kind":"runtime","name":"a"}"#;
    const CREATED: &str = r#"{"event":"created","kind":"runtime","name":"a","id":"a-1"}"#;
    const DELETED: &str = r#"{"event":"deleted","kind":"runtime","name":"a"}"#;
    const KEPT: &str = r#"{"event":"kept","kind":"runtime","name":"a"}"#;
    const REPOSITORY: &str = r#"{"event":"intent","kind":"repository","name":"r"}"#;

    #[test]
    fn whatever_was_intended_and_not_deleted_is_outstanding() {
        check("", &[]);
        check(INTENT, &["runtime a"]);
        check(&format!("{INTENT}\n{CREATED}"), &["runtime a"]);
        check(&format!("{INTENT}\n{CREATED}\n{DELETED}"), &[]);
        check(&format!("{INTENT}\n{CREATED}\n{KEPT}"), &[]);
        check(&format!("{INTENT}\n{DELETED}\n{INTENT}"), &["runtime a"]);
        // runtimes go before the repository their image is in
        check(
            &format!("{REPOSITORY}\n{INTENT}"),
            &["runtime a", "repository r"],
        );
        // the owner died while writing
        check(&format!("{INTENT}\n{}", &DELETED[..20]), &["runtime a"]);
    }

    #[test]
    fn a_ledger_in_use_is_left_alone_and_one_of_a_dead_owner_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let alive = Ledger::open(dir.path(), &header("alive")).unwrap();
        alive.intend(&runtime("a")).unwrap();
        let dead = Ledger::open(dir.path(), &header("dead")).unwrap();
        dead.intend(&repository("r")).unwrap();
        dead.created(&repository("r"), "arn").unwrap();
        dead.intend(&runtime("b")).unwrap();
        drop(dead);

        let found = abandoned(dir.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].header.run, "dead");
        assert_eq!(found[0].outstanding, [runtime("b"), repository("r")]);
        assert!(
            abandoned(dir.path()).unwrap().is_empty(),
            "it is ours while we hold it"
        );
        assert_eq!(alive.outstanding().unwrap(), [runtime("a")]);
    }

    #[test]
    fn a_closed_ledger_is_history() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), &header("run")).unwrap();
        ledger.intend(&runtime("a")).unwrap();
        ledger.deleted(&runtime("a")).unwrap();
        assert_eq!(ledger.outstanding().unwrap(), []);
        ledger.close().unwrap();
        assert!(abandoned(dir.path()).unwrap().is_empty());
        assert!(dir.path().join("finished/run.jsonl").is_file());
    }

    #[test]
    fn a_torn_last_line_does_not_swallow_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(dir.path(), &header("run")).unwrap();
        ledger.intend(&runtime("a")).unwrap();
        let path = ledger.path.clone();
        drop(ledger);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(br#"{"event":"int"#)
            .unwrap();
        let found = abandoned(dir.path()).unwrap().remove(0);
        found.ledger.deleted(&runtime("a")).unwrap();
        assert_eq!(found.ledger.outstanding().unwrap(), []);
    }
}
