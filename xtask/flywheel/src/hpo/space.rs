//! The study file and the candidates it describes. A dimension is a name and a list of values; what the name means
//! is the agent's affair.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::{ConfigError, Paths, duration};
use crate::deploy::{Hyperparameters, prompt_names};

/// More than that is a typo or a job for another strategy than the grid.
const MAX_CANDIDATES: usize = 256;
/// The hyperparameter that names a file in `agent/prompts`.
const PROMPT_NAME: &str = "system_prompt";
/// The hyperparameter that holds a prompt instead of naming one.
const PROMPT_TEXT: &str = "system_prompt_text";

/// `hpo.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudyFile {
    /// What the study is called.
    pub(crate) name: String,
    /// The questions, relative to the workspace root.
    pub(crate) dataset: PathBuf,
    /// Hyperparameter → values; every combination is a candidate.
    #[serde(default)]
    pub(crate) space: BTreeMap<String, Vec<Value>>,
    /// Single points outside the grid.
    #[serde(default)]
    pub(crate) candidates: Vec<Hyperparameters>,
    /// How much at once, how long.
    pub(crate) limits: Limits,
    /// What is better.
    pub(crate) objective: Objective,
}

/// How much at once, how long.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Runtimes deployed at the same time.
    pub(crate) concurrent_deployments: usize,
    /// Questions in flight per runtime.
    pub(crate) concurrent_cases: usize,
    /// Longest time for one question.
    #[serde(deserialize_with = "duration")]
    pub(crate) case_deadline: Duration,
    /// Longest time for the study.
    #[serde(deserialize_with = "duration")]
    pub(crate) study_deadline: Duration,
}

/// What is better.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Objective {
    /// Loss of quality, in score units, that a cheaper candidate may have.
    pub(crate) quality_margin: f64,
}

/// One configuration to try.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Candidate {
    /// `c01`, `c02`, …: stable within the study.
    pub(crate) id: String,
    /// Only what the study varies.
    pub(crate) varied: Map<String, Value>,
    /// Everything the agent gets.
    pub(crate) hyperparameters: Hyperparameters,
}

impl Candidate {
    /// The varied values as a person names the candidate: `simulated.atlas-v1:0, english`.
    pub(crate) fn label(&self) -> String {
        let values: Vec<_> = self.varied.values().map(shown).collect();
        values.join(", ")
    }
}

/// A value without the quotes of JSON.
pub(crate) fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// What the agent knows: each hyperparameter of `agent/hyperparams.toml` with an example of its value.
///
/// The file documents every one, those that are not set as a comment of the form `# name = value`.
pub(crate) fn documented(paths: &Paths) -> Result<BTreeMap<String, Value>, ConfigError> {
    let path = paths.hyperparameters();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        ConfigError::new(paths.shown(&path), format!("cannot be read: {error}"))
    })?;
    Ok(documented_in(&text))
}

fn documented_in(text: &str) -> BTreeMap<String, Value> {
    text.lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .filter(|line| line.split_once(" = ").is_some_and(|(key, _)| is_key(key)))
        .filter_map(|line| toml::from_str::<BTreeMap<String, Value>>(line).ok())
        .flatten()
        .collect()
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The checked candidates of a study, in a stable order. `file` is the study file as errors name it.
pub(crate) fn candidates(
    study: &StudyFile,
    base: &Hyperparameters,
    paths: &Paths,
    file: &str,
) -> Result<Vec<Candidate>, ConfigError> {
    let checker = Checker {
        file,
        known: documented(paths)?,
        prompts: prompt_names(paths)?,
    };
    checker.limits(study)?;
    let mut points = checker.grid(&study.space)?;
    for (index, point) in study.candidates.iter().enumerate() {
        for (name, value) in point {
            checker.value(&format!("candidates[{index}].{name}"), name, value)?;
        }
        points.push(point.clone());
    }
    if points.is_empty() {
        return Err(ConfigError::new(
            format!("{file}: space"),
            "expected at least one dimension with a value",
        ));
    }
    let mut seen = BTreeSet::new();
    let mut candidates = Vec::new();
    for varied in points {
        let hyperparameters = over(base, &varied);
        if seen.insert(Value::Object(hyperparameters.clone()).to_string()) {
            let id = format!("c{:02}", candidates.len() + 1);
            candidates.push(Candidate {
                id,
                varied,
                hyperparameters,
            });
        }
    }
    Ok(candidates)
}

/// The base with the varied values in their place. A prompt by name and a prompt as text exclude each other.
fn over(base: &Hyperparameters, varied: &Map<String, Value>) -> Hyperparameters {
    let mut all = base.clone();
    for (set, displaced) in [(PROMPT_NAME, PROMPT_TEXT), (PROMPT_TEXT, PROMPT_NAME)] {
        if varied.contains_key(set) {
            all.shift_remove(displaced);
        }
    }
    for (name, value) in varied {
        all.insert(name.clone(), value.clone());
    }
    all
}

struct Checker<'a> {
    file: &'a str,
    known: BTreeMap<String, Value>,
    prompts: Vec<String>,
}

impl Checker<'_> {
    fn limits(&self, study: &StudyFile) -> Result<(), ConfigError> {
        let Limits {
            concurrent_deployments,
            concurrent_cases,
            case_deadline,
            study_deadline,
        } = study.limits;
        let zero = [
            ("concurrent_deployments", concurrent_deployments == 0),
            ("concurrent_cases", concurrent_cases == 0),
            ("case_deadline", case_deadline.is_zero()),
            ("study_deadline", study_deadline.is_zero()),
        ];
        if let Some((key, _)) = zero.iter().find(|(_, is_zero)| *is_zero) {
            return Err(self.wrong(&format!("limits.{key}"), "expected more than 0"));
        }
        let margin = study.objective.quality_margin;
        if !(margin > 0.0 && margin <= 1.0) {
            let message = format!("expected a number above 0 and at most 1, found {margin}");
            return Err(self.wrong("objective.quality_margin", &message));
        }
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if study.name.is_empty() || study.name.len() > 64 || !study.name.chars().all(fits) {
            let message = format!("expected 1 to 64 of a-z, 0-9 and -, found `{}`", study.name);
            return Err(self.wrong("name", &message));
        }
        Ok(())
    }

    /// Every combination, the last dimension changing fastest.
    fn grid(
        &self,
        space: &BTreeMap<String, Vec<Value>>,
    ) -> Result<Vec<Map<String, Value>>, ConfigError> {
        if space.is_empty() {
            return Ok(Vec::new());
        }
        let mut points = vec![Map::new()];
        for (name, values) in space {
            let key = format!("space.{name}");
            if values.is_empty() {
                return Err(self.wrong(&key, "expected at least one value"));
            }
            for (index, value) in values.iter().enumerate() {
                self.value(&format!("{key}[{index}]"), name, value)?;
                if values[..index].contains(value) {
                    return Err(self.wrong(
                        &format!("{key}[{index}]"),
                        &format!("{value} stands here twice"),
                    ));
                }
            }
            if points.len() * values.len() > MAX_CANDIDATES {
                return Err(self.wrong(
                    "space",
                    &format!("expected at most {MAX_CANDIDATES} combinations"),
                ));
            }
            let extended = points.iter().flat_map(|point| {
                values.iter().map(|value| {
                    let mut point = point.clone();
                    point.insert(name.clone(), value.clone());
                    point
                })
            });
            points = extended.collect();
        }
        Ok(points)
    }

    /// The agent knows the name, the value is of the documented kind, and a named prompt exists.
    fn value(&self, key: &str, name: &str, value: &Value) -> Result<(), ConfigError> {
        let Some(example) = self.known.get(name) else {
            let known: Vec<_> = self.known.keys().map(String::as_str).collect();
            let message = format!(
                "the agent has no hyperparameter `{name}`: expected one of {}",
                known.join(", ")
            );
            return Err(self.wrong(key, &message));
        };
        // A whole number may stand where a number is expected, not the other way round.
        let fits = kind(value) == kind(example) || (example.is_f64() && value.is_number());
        if !fits {
            let message = format!(
                "expected {} such as {example}, found {value}",
                kind(example)
            );
            return Err(self.wrong(key, &message));
        }
        let prompt = value.as_str().filter(|_| name == PROMPT_NAME);
        if let Some(prompt) =
            prompt.filter(|prompt| !self.prompts.iter().any(|known| known == prompt))
        {
            let message = format!(
                "agent/prompts has no {prompt}.md: expected one of {}",
                self.prompts.join(", ")
            );
            return Err(self.wrong(key, &message));
        }
        Ok(())
    }

    fn wrong(&self, key: &str, message: &str) -> ConfigError {
        ConfigError::new(format!("{}: {key}", self.file), message)
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "a whole number",
        Value::Bool(_) => "true or false",
        _ => "a single value",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load_toml;
    use crate::deploy::base_hyperparameters;

    const BASE: &str = r#"
        # Model.
        model_id = "large"
        system_prompt = "english"
        # system_prompt_text = "You answer questions."
        temperature = 0.0
        # top_p = 0.9
        max_tokens = 1024
    "#;

    fn workspace() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths {
            root: dir.path().to_owned(),
            bin_dir: PathBuf::new(),
        };
        std::fs::create_dir_all(paths.prompts()).unwrap();
        std::fs::write(paths.hyperparameters(), BASE.replace("        ", "")).unwrap();
        std::fs::write(paths.prompts().join("english.md"), "Answer.").unwrap();
        std::fs::write(paths.prompts().join("german.md"), "Antworte.").unwrap();
        (dir, paths)
    }

    fn study(space: &str) -> Result<Vec<Candidate>, String> {
        let (dir, paths) = workspace();
        let text = format!(
            "name = \"s\"\ndataset = \"d.jsonl\"\n{space}\n[limits]\nconcurrent_deployments = 1\n\
             concurrent_cases = 1\ncase_deadline = \"60s\"\nstudy_deadline = \"1m\"\n[objective]\nquality_margin = 0.03\n"
        );
        let path = dir.path().join("hpo.toml");
        std::fs::write(&path, text).unwrap();
        let base = base_hyperparameters(&paths).unwrap();
        load_toml(&path, "hpo.toml")
            .and_then(|study| candidates(&study, &base, &paths, "hpo.toml"))
            .map_err(|error| error.to_string())
    }

    #[track_caller]
    fn check(space: &str, expected: &[&str]) {
        let found = study(space).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|candidate| format!("{} {}", candidate.id, candidate.label()))
            .collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn refused(space: &str, expected: &str) {
        let error = study(space).unwrap_err();
        assert!(
            error.contains(expected),
            "expected `{expected}` in `{error}`"
        );
    }

    #[test]
    fn every_combination_is_a_candidate() {
        check(
            "[space]\nmodel_id = [\"large\", \"small\"]\nsystem_prompt = [\"english\", \"german\"]",
            &[
                "c01 large, english",
                "c02 large, german",
                "c03 small, english",
                "c04 small, german",
            ],
        );
        check("[space]\nmodel_id = [\"small\"]", &["c01 small"]);
        check("[space]\ntop_p = [0.5, 1]", &["c01 0.5", "c02 1"]);
    }

    #[test]
    fn points_outside_the_grid_join_it_once() {
        check(
            "[[candidates]]\nmodel_id = \"large\"\n[[candidates]]\nmax_tokens = 99\n[space]\nmodel_id = [\"large\"]",
            &["c01 large", "c02 99"],
        );
    }

    #[test]
    fn what_is_not_varied_keeps_its_value_and_a_text_displaces_a_name() {
        let found = study("[space]\nsystem_prompt_text = [\"Be brief.\"]").unwrap();
        let expected = r#"{"max_tokens":1024,"model_id":"large","temperature":0.0,"system_prompt_text":"Be brief."}"#;
        assert_eq!(
            Value::Object(found[0].hyperparameters.clone()).to_string(),
            expected
        );
    }

    #[test]
    fn mistakes_are_named_with_file_and_key() {
        refused(
            "[space]\nmodle_id = [\"large\"]",
            "hpo.toml: space.modle_id[0]: the agent has no hyperparameter",
        );
        refused(
            "[space]\nmodel_id = []",
            "hpo.toml: space.model_id: expected at least one value",
        );
        refused(
            "[space]\nmodel_id = [\"a\", \"a\"]",
            "hpo.toml: space.model_id[1]: \"a\" stands here twice",
        );
        refused(
            "[space]\nmax_tokens = [\"many\"]",
            "space.max_tokens[0]: expected a whole number such as 1024",
        );
        refused(
            "[space]\nmax_tokens = [[1]]",
            "space.max_tokens[0]: expected a whole number",
        );
        refused(
            "[space]\nsystem_prompt = [\"latin\"]",
            "agent/prompts has no latin.md: expected one of english, german",
        );
        refused(
            "[[candidates]]\ntemprature = 0.1",
            "hpo.toml: candidates[0].temprature: the agent has no",
        );
        refused("", "hpo.toml: space: expected at least one dimension");
        refused("spaces = 1", "unknown field `spaces`");
        refused("[space]\nmax_tokens = 5", "hpo.toml: space.max_tokens: ");
        let many: Vec<_> = (1..=257).map(|n| n.to_string()).collect();
        refused(
            &format!("[space]\nmax_tokens = [{}]", many.join(",")),
            "expected at most 256 combinations",
        );
    }

    #[test]
    fn the_committed_study_fits_the_committed_agent() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let paths = Paths {
            root,
            bin_dir: PathBuf::new(),
        };
        let study: StudyFile = load_toml(&paths.config_dir().join("hpo.toml"), "hpo.toml").unwrap();
        let base = base_hyperparameters(&paths).unwrap();
        let candidates = candidates(&study, &base, &paths, "hpo.toml").unwrap();
        assert_eq!(candidates.len(), 6);
        let known = documented(&paths).unwrap();
        assert!(
            base.keys().all(|name| known.contains_key(name)),
            "{known:?}"
        );
        assert!(
            known.contains_key("top_p") && known.contains_key("system_prompt_text"),
            "{known:?}"
        );
    }
}
