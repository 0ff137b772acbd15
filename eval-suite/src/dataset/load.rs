//! Reading and checking a dataset file. Every problem is reported, not only the first.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::reader::{Lines, Place, read_error};
use super::{Case, Dataset, TrajectoryMode};

/// The only schema version there is.
const VERSION: u32 = 1;
/// A dataset is read into memory; anything near this size is not one.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Problems shown in a message; the rest is counted.
const MAX_PROBLEMS_SHOWN: usize = 20;

/// Why a dataset could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file could not be read.
    #[error("read dataset {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a valid dataset.
    #[error("{}", ProblemList(problems))]
    Invalid {
        /// Everything that is wrong, in file order; never empty.
        problems: Vec<Problem>,
    },
}

/// One thing wrong with a dataset: `file:line: key: what was expected`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as given.
    pub path: PathBuf,
    /// Line number from 1.
    pub line: usize,
    /// Path of the key inside the line's object, empty when the line as a whole is meant.
    pub key: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.path.display(), self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

struct ProblemList<'a>(&'a [Problem]);

impl fmt::Display for ProblemList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().take(MAX_PROBLEMS_SHOWN).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        match self.0.len().saturating_sub(MAX_PROBLEMS_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n... and {more} more"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) dataset: String,
    version: u32,
    #[serde(default)]
    description: String,
}

impl Dataset {
    /// Reads a dataset and checks it.
    ///
    /// # Errors
    /// [`DatasetError::Read`] when the file cannot be read, [`DatasetError::Invalid`] with every
    /// problem found, each naming file, line, key and what was expected.
    pub fn load(path: &Path) -> Result<Self, DatasetError> {
        let size = std::fs::metadata(path).map_err(read_error(path))?.len();
        if size > MAX_BYTES {
            let message = format!("the file has {size} bytes, expected at most {MAX_BYTES}");
            return Err(DatasetError::Invalid {
                problems: vec![Problem {
                    path: path.into(),
                    line: 1,
                    key: String::new(),
                    message,
                }],
            });
        }
        let bytes = std::fs::read(path).map_err(read_error(path))?;
        Self::parse(&bytes, path)
    }

    /// Checks a dataset held in memory; `path` is used in messages and for [`Dataset::stem`].
    ///
    /// # Errors
    /// [`DatasetError::Invalid`], as for [`Dataset::load`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, DatasetError> {
        let mut checker = Checker::new(path);
        let mut cases = Vec::new();
        let checked = checker.run(&mut &*bytes, &mut |_, case| cases.push(case));
        let (header, hash) = checker.finish(checked.map_err(read_error(path))?)?;
        Ok(Self {
            name: header.dataset,
            description: header.description,
            path: path.into(),
            hash,
            cases,
        })
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was read before, by the first 16 bytes of its SHA-256: a large dataset's questions are not kept in memory.
#[derive(Default)]
struct Seen(HashMap<[u8; 16], usize>);

impl Seen {
    /// The line that had this before, if one did.
    fn insert(&mut self, text: impl AsRef<[u8]>, line: usize) -> Option<usize> {
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(text)[..16]);
        self.0.insert(key, line)
    }
}

pub(super) struct Checker<'a> {
    path: &'a Path,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self {
            path,
            problems: Vec::new(),
        }
    }

    /// Header and hash of a file without a problem.
    pub(super) fn finish(
        self,
        checked: Option<(Header, String)>,
    ) -> Result<(Header, String), DatasetError> {
        match checked {
            Some(checked) if self.problems.is_empty() => Ok(checked),
            _ => Err(DatasetError::Invalid {
                problems: self.problems,
            }),
        }
    }

    fn problem(&mut self, line: usize, key: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem {
            path: self.path.into(),
            line,
            key: key.into(),
            message: message.into(),
        });
    }

    /// Reads and checks everything, and hands out the cases as they are read, whatever is wrong with them. `None`
    /// without a header.
    pub(super) fn run(
        &mut self,
        input: &mut dyn BufRead,
        see: &mut dyn FnMut(Place, Case),
    ) -> io::Result<Option<(Header, String)>> {
        let mut lines = Lines::new(input);
        let Some((
            Place {
                line: header_line, ..
            },
            header_text,
        )) = lines.next()?
        else {
            self.problem(
                1,
                "",
                "the file is empty, expected a header line {\"dataset\": …, \"version\": 1}",
            );
            return Ok(None);
        };
        let header = self.line::<Header>(header_line, header_text);
        if let Some(header) = &header {
            self.check_header(header_line, header);
        }
        let mut count = 0_usize;
        let mut ids = Seen::default();
        let mut inputs = Seen::default();
        let mut last_line = header_line;
        while let Some((place, text)) = lines.next()? {
            let number = place.line;
            last_line = number;
            let Some(case) = self.line::<Case>(number, text) else {
                continue;
            };
            self.check_case(number, &case);
            if let Some(first) = ids.insert(&case.id, number) {
                self.problem(
                    number,
                    "id",
                    format!(
                        "`{}` was already used in line {first}, expected a unique id",
                        case.id
                    ),
                );
            }
            if let Some(first) = inputs.insert(case.input.trim().to_lowercase(), number) {
                self.problem(
                    number,
                    "input",
                    format!("line {first} asks the same, expected every question once"),
                );
            }
            count += 1;
            see(place, case);
        }
        if count == 0 && self.problems.is_empty() {
            self.problem(
                last_line,
                "",
                "the dataset has no case, expected at least one line after the header",
            );
        }
        Ok(header.map(|header| (header, lines.hash())))
    }

    fn line<T: for<'de> Deserialize<'de>>(&mut self, number: usize, text: &[u8]) -> Option<T> {
        let Ok(text) = std::str::from_utf8(text) else {
            self.problem(number, "", "the line is not UTF-8");
            return None;
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let parsed = serde_path_to_error::deserialize(&mut deserializer);
        match parsed {
            Ok(value) => match deserializer.end() {
                Ok(()) => Some(value),
                Err(error) => {
                    self.problem(
                        number,
                        "",
                        format!(
                            "more text after the object ({}), expected one JSON object a line",
                            at_column(&error)
                        ),
                    );
                    None
                }
            },
            Err(error) => {
                let key = match error.path().to_string() {
                    // A syntax error has no key, an error about the whole line neither.
                    key if key == "." || !error.inner().is_data() => String::new(),
                    key => key,
                };
                let message = at_column(error.inner());
                self.problem(number, key, message);
                None
            }
        }
    }

    fn check_header(&mut self, line: usize, header: &Header) {
        if header.dataset.trim().is_empty() {
            self.problem(
                line,
                "dataset",
                "the name is empty, expected the dataset's name in Langfuse",
            );
        }
        if header.version != VERSION {
            self.problem(
                line,
                "version",
                format!("version {} is unknown, expected {VERSION}", header.version),
            );
        }
    }

    fn check_case(&mut self, line: usize, case: &Case) {
        if case.id.is_empty()
            || !case
                .id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            self.problem(
                line,
                "id",
                format!("`{}` is not a name, expected only a-z, 0-9 and _", case.id),
            );
        }
        if case.input.trim().is_empty() {
            self.problem(line, "input", "the question is empty");
        }
        let expected = &case.expected;
        let of_the_answer = !expected.facts.is_empty() || !expected.forbidden.is_empty();
        // A set of questions about the choice of tools judges the calls and leaves the answers to others.
        let of_the_calls = expected.trajectory.is_some();
        if !of_the_answer && !of_the_calls && !expected.must_refuse {
            self.problem(
                line,
                "expected.facts",
                "nothing is expected, expected facts, forbidden texts, must_refuse or a trajectory",
            );
        }
        for (index, fact) in expected.facts.iter().enumerate() {
            if fact.text.trim().is_empty() {
                self.problem(
                    line,
                    format!("expected.facts[{index}].text"),
                    "the fact is empty",
                );
            }
            for (spelling_index, spelling) in fact.spellings().iter().enumerate() {
                if !crate::text::is_matchable(spelling) {
                    let key = if fact.any_of.is_empty() {
                        "text".to_owned()
                    } else {
                        format!("any_of[{spelling_index}]")
                    };
                    self.problem(
                        line,
                        format!("expected.facts[{index}].{key}"),
                        format!("`{spelling}` has no letter or digit, so it would match nothing"),
                    );
                }
            }
        }
        for (index, forbidden) in expected.forbidden.iter().enumerate() {
            if !crate::text::is_matchable(forbidden) {
                self.problem(
                    line,
                    format!("expected.forbidden[{index}]"),
                    format!("`{forbidden}` has no letter or digit, so it would match nothing"),
                );
            }
        }
        if let Some(trajectory) = &expected.trajectory {
            if trajectory.tools.is_empty() && trajectory.mode != TrajectoryMode::Exact {
                self.problem(line, "expected.trajectory.tools", "the list is empty, which only the mode `exact` can judge (no tool may be called)");
            }
            for (index, tool) in trajectory.tools.iter().enumerate() {
                self.check_tool(line, format!("expected.trajectory.tools[{index}]"), tool);
            }
        }
        for (index, call) in expected.tool_arguments.iter().enumerate() {
            self.check_tool(
                line,
                format!("expected.tool_arguments[{index}].tool"),
                &call.tool,
            );
            if call.arguments.is_empty() {
                self.problem(
                    line,
                    format!("expected.tool_arguments[{index}].arguments"),
                    "no argument is named, expected at least one",
                );
            }
        }
    }

    fn check_tool(&mut self, line: usize, key: String, tool: &str) {
        if tool.trim().is_empty() || tool.contains("___") {
            self.problem(
                line,
                key,
                format!("`{tool}` is not a tool name, expected the part after `target___`"),
            );
        }
    }
}

/// The parser's words with the column only: the line is that of the file, not of the parser.
fn at_column(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let plain = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(head, _)| head);
    format!("{plain} (column {})", error.column())
}
