//! What an answer costs in model tokens.
//!
//! The price table is a TOML file:
//!
//! ```toml
//! version = 1
//! as_of = "2026-11-22"            # the day the prices were read
//! [models."simulated.atlas-v1:0"]
//! input_usd_per_million_tokens = 3.0
//! output_usd_per_million_tokens = 15.0
//! # optional; without them cached tokens cost as much as input tokens
//! cache_read_usd_per_million_tokens = 0.3
//! cache_write_usd_per_million_tokens = 3.75
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::client::Usage;

/// Prices per model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    version: u32,
    #[serde(default)]
    as_of: Option<String>,
    models: BTreeMap<String, Price>,
}

/// Prices of one model, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Price of a million input tokens.
    pub input_usd_per_million_tokens: f64,
    /// Price of a million output tokens.
    pub output_usd_per_million_tokens: f64,
    /// Price of a million tokens read from the cache.
    #[serde(default)]
    pub cache_read_usd_per_million_tokens: Option<f64>,
    /// Price of a million tokens written to the cache.
    #[serde(default)]
    pub cache_write_usd_per_million_tokens: Option<f64>,
}

/// Why a price table could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The file could not be read.
    #[error("read price table {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a price table.
    #[error("{}: {key}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Path of the key inside the file.
        key: String,
        /// What is wrong, and what was expected.
        message: String,
    },
}

/// Prefixes of cross-region inference profiles; the price list names the model without them.
const INFERENCE_PROFILE_PREFIXES: [&str; 7] =
    ["us.", "us-gov.", "eu.", "apac.", "jp.", "au.", "global."];

impl PriceTable {
    /// Reads a price table.
    ///
    /// # Errors
    /// [`PriceError`] when the file cannot be read, has an unknown key, or holds a price that is
    /// negative or not a number.
    pub fn load(path: &Path) -> Result<Self, PriceError> {
        let text = std::fs::read_to_string(path).map_err(|source| PriceError::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, PriceError> {
        let invalid = |key: String, message: String| PriceError::Invalid {
            path: path.into(),
            key,
            message,
        };
        let table: Self = serde_path_to_error::deserialize(
            toml::Deserializer::parse(text)
                .map_err(|e| invalid("(file)".into(), e.message().into()))?,
        )
        .map_err(|e| invalid(e.path().to_string(), e.inner().message().to_owned()))?;
        if table.version != 1 {
            return Err(invalid(
                "version".into(),
                format!("version {} is unknown, expected 1", table.version),
            ));
        }
        for (model, price) in &table.models {
            for (key, value) in price.entries() {
                if !value.is_finite() || value < 0.0 {
                    return Err(invalid(
                        format!("models.{model}.{key}"),
                        format!("{value} is not a price, expected 0 or more"),
                    ));
                }
            }
        }
        Ok(table)
    }

    /// The day the prices were read, as written in the file.
    pub fn as_of(&self) -> Option<&str> {
        self.as_of.as_deref()
    }

    /// The prices of a model, also when it is called through a cross-region inference profile.
    pub fn price(&self, model_id: &str) -> Option<&Price> {
        self.models.get(model_id).or_else(|| {
            INFERENCE_PROFILE_PREFIXES
                .iter()
                .find_map(|prefix| self.models.get(model_id.strip_prefix(prefix)?))
        })
    }

    /// US dollars for this usage, or `None` when the model has no price: an unknown price is not zero.
    pub fn cost_usd(&self, model_id: &str, usage: &Usage) -> Option<f64> {
        let price = self.price(model_id)?;
        let input = price.input_usd_per_million_tokens;
        let tokens = |count: u64, usd_per_million: f64| count as f64 * usd_per_million / 1e6;
        Some(
            tokens(usage.input_tokens, input)
                + tokens(usage.output_tokens, price.output_usd_per_million_tokens)
                + tokens(
                    usage.cache_read_input_tokens.unwrap_or(0),
                    price.cache_read_usd_per_million_tokens.unwrap_or(input),
                )
                + tokens(
                    usage.cache_write_input_tokens.unwrap_or(0),
                    price.cache_write_usd_per_million_tokens.unwrap_or(input),
                ),
        )
    }
}

impl Price {
    fn entries(&self) -> impl Iterator<Item = (&'static str, f64)> {
        [
            (
                "input_usd_per_million_tokens",
                Some(self.input_usd_per_million_tokens),
            ),
            (
                "output_usd_per_million_tokens",
                Some(self.output_usd_per_million_tokens),
            ),
            (
                "cache_read_usd_per_million_tokens",
                self.cache_read_usd_per_million_tokens,
            ),
            (
                "cache_write_usd_per_million_tokens",
                self.cache_write_usd_per_million_tokens,
            ),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }
}
