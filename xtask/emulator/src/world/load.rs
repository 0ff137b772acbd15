//! Reads a world file: TOML, placeholders, types, then what types cannot say.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use url::Url;

use super::{Bridge, World};
use crate::state::{self, StateError};

/// A world file that cannot be used. Each names the file, and where there is one the key.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum WorldError {
    #[error("read world file {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: not TOML", path.display())]
    Syntax {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error("{}: `{key}`: {expected}", path.display())]
    Invalid {
        path: PathBuf,
        key: String,
        expected: String,
    },
    #[error(transparent)]
    Secrets(#[from] StateError),
}

/// What the placeholders stand for.
#[derive(Debug, Clone)]
pub struct Places {
    /// `${url}`
    pub url: String,
    /// `${root}`
    pub root: PathBuf,
    /// `${bin_dir}`
    pub bin_dir: PathBuf,
    /// Secrets that were drawn once, `${random:NAME}`: a JSON object, mode 0600.
    pub secrets_file: PathBuf,
}

/// Loads a world file and fills in the placeholders of its string values.
///
/// # Errors
/// See [`WorldError`].
pub fn load(path: &Path, places: &Places) -> Result<World, WorldError> {
    let text = std::fs::read_to_string(path).map_err(|source| WorldError::Read {
        path: path.to_owned(),
        source,
    })?;
    let table: toml::Table = toml::from_str(&text).map_err(|source| WorldError::Syntax {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let mut value = toml::Value::Table(table);

    let secrets: Option<BTreeMap<String, String>> = state::read_json(&places.secrets_file)?;
    let mut filler = Filler {
        path,
        places,
        secrets: secrets.unwrap_or_default(),
        drawn: false,
    };
    filler.fill("", &mut value)?;
    if filler.drawn {
        state::write_json(&places.secrets_file, &filler.secrets)?;
    }

    let world: World = serde_path_to_error::deserialize(value).map_err(|error| {
        let key = error.path().to_string();
        let expected = error.into_inner().message().to_owned();
        invalid(path, &key, expected)
    })?;
    check(path, &world)?;
    Ok(world)
}

fn invalid(path: &Path, key: &str, expected: impl Into<String>) -> WorldError {
    WorldError::Invalid {
        path: path.to_owned(),
        key: key.to_owned(),
        expected: expected.into(),
    }
}

struct Filler<'a> {
    path: &'a Path,
    places: &'a Places,
    secrets: BTreeMap<String, String>,
    drawn: bool,
}

impl Filler<'_> {
    fn fill(&mut self, key: &str, value: &mut toml::Value) -> Result<(), WorldError> {
        match value {
            toml::Value::String(text) if text.contains("${") => *text = self.text(key, text)?,
            toml::Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.fill(&format!("{key}[{index}]"), item)?;
                }
            }
            toml::Value::Table(table) => {
                for (name, item) in table.iter_mut() {
                    let key = if key.is_empty() {
                        name.clone()
                    } else {
                        format!("{key}.{name}")
                    };
                    self.fill(&key, item)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, key: &str, text: &str) -> Result<String, WorldError> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (placeholder, after) = after
                .split_once('}')
                .ok_or_else(|| invalid(self.path, key, "a `${` without its `}`"))?;
            filled.push_str(before);
            filled.push_str(&self.value_of(key, placeholder)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value_of(&mut self, key: &str, placeholder: &str) -> Result<String, WorldError> {
        match placeholder {
            "url" => Ok(self.places.url.clone()),
            "root" => Ok(self.places.root.display().to_string()),
            "bin_dir" => Ok(self.places.bin_dir.display().to_string()),
            other => match other.strip_prefix("random:") {
                Some(name) if is_secret_name(name) => Ok(self.secret(name)),
                _ => Err(invalid(
                    self.path,
                    key,
                    format!(
                        "unknown placeholder `${{{other}}}`, expected `${{url}}`, `${{root}}`, `${{bin_dir}}` \
                         or `${{random:NAME}}` with a NAME of lower-case letters, digits and `-`"
                    ),
                )),
            },
        }
    }

    fn secret(&mut self, name: &str) -> String {
        if let Some(secret) = self.secrets.get(name) {
            return secret.clone();
        }
        let secret = uuid::Uuid::new_v4().simple().to_string();
        self.secrets.insert(name.to_owned(), secret.clone());
        self.drawn = true;
        secret
    }
}

fn is_secret_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn check(path: &Path, world: &World) -> Result<(), WorldError> {
    if world.region.is_empty() {
        return Err(invalid(
            path,
            "region",
            "expected an AWS region such as us-east-1",
        ));
    }
    if world.account_id.len() != 12 || !world.account_id.chars().all(|c| c.is_ascii_digit()) {
        return Err(invalid(path, "account_id", "expected twelve digits"));
    }
    unique(
        path,
        "oauth.clients",
        "id",
        world.oauth.clients.iter().map(|client| client.id.as_str()),
    )?;
    unique(
        path,
        "secrets",
        "name",
        world.secrets.iter().map(|secret| secret.name.as_str()),
    )?;
    unique(
        path,
        "parameters",
        "name",
        world
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str()),
    )?;
    unique(
        path,
        "gateways",
        "name",
        world.gateways.iter().map(|gateway| gateway.name.as_str()),
    )?;
    let functions = &world.lambda_functions;
    unique(
        path,
        "lambda_functions",
        "name",
        functions.iter().map(|function| function.name.as_str()),
    )?;
    for (index, function) in functions.iter().enumerate() {
        let key = |member| format!("lambda_functions[{index}].{member}");
        if function.command.is_empty() {
            return Err(invalid(
                path,
                &key("command"),
                "expected an executable and its arguments",
            ));
        }
        if function.max_environments == 0 {
            return Err(invalid(
                path,
                &key("max_environments"),
                "expected at least 1",
            ));
        }
    }
    for (index, gateway) in world.gateways.iter().enumerate() {
        let targets = format!("gateways[{index}].targets");
        if gateway.tools_per_page == 0 {
            let key = format!("gateways[{index}].tools_per_page");
            return Err(invalid(path, &key, "expected at least 1"));
        }
        unique(
            path,
            &targets,
            "name",
            gateway.targets.iter().map(|target| target.name.as_str()),
        )?;
        for (number, target) in gateway.targets.iter().enumerate() {
            if !functions
                .iter()
                .any(|function| function.name == target.lambda)
            {
                let expected = format!("`{}` is not among lambda_functions", target.lambda);
                return Err(invalid(
                    path,
                    &format!("{targets}[{number}].lambda"),
                    expected,
                ));
            }
        }
    }
    if let Some(bridge) = &world.models.bridge {
        check_bridge(path, bridge)?;
    }
    Ok(())
}

/// Longest time a bridge may be given for one answer.
const LONGEST_BRIDGE_SECONDS: u64 = 600;

fn check_bridge(path: &Path, bridge: &Bridge) -> Result<(), WorldError> {
    let key = |member: &str| format!("models.bridge.{member}");
    let plain = Url::parse(&bridge.base_url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
    });
    if !plain {
        let expected = "expected an http or https URL without user, password and query";
        return Err(invalid(path, &key("base_url"), expected));
    }
    if !(1..=LONGEST_BRIDGE_SECONDS).contains(&bridge.timeout_seconds) {
        let expected = format!("expected 1 to {LONGEST_BRIDGE_SECONDS}");
        return Err(invalid(path, &key("timeout_seconds"), expected));
    }
    if bridge.models.is_empty() {
        let expected = "expected at least one model id with the server's name for it";
        return Err(invalid(path, &key("models"), expected));
    }
    // What is called `simulated` in every report must be simulated.
    if let Some(id) = bridge.models.keys().find(|id| id.starts_with("simulated.")) {
        let expected = "a real model must not have an id that starts with `simulated.`";
        return Err(invalid(path, &key(&format!("models.\"{id}\"")), expected));
    }
    Ok(())
}

fn unique<'a>(
    path: &Path,
    list: &str,
    member: &str,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), WorldError> {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        if !seen.insert(name) {
            let expected = format!("`{name}` stands here a second time");
            return Err(invalid(
                path,
                &format!("{list}[{index}].{member}"),
                expected,
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
