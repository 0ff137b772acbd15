//! How close are two embeddings?

use serde::Deserialize;
use serde_json::Value;

use super::scorer::{Sample, Scorer, default_threshold, graded, invalid, missing_reference};
use super::{EvaluatorError, Finding};

/// max(0, (cosine - min) / (1 - min)): what lies below `min` is unrelated.
///
/// Output and expected are the embeddings themselves. `min` depends on the embedding model, so calibrate it on labelled
/// pairs before gating on it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingSimilarity {
    /// Cosine at which the score is 0.
    pub min: f64,
    /// What passes.
    pub threshold: f64,
}

impl Default for EmbeddingSimilarity {
    fn default() -> Self {
        Self {
            min: 0.7,
            threshold: default_threshold(),
        }
    }
}

impl Scorer for EmbeddingSimilarity {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        if !(-1.0..1.0).contains(&self.min) {
            return Err(invalid(format!(
                "`min` must be at least -1 and below 1, not {}",
                self.min
            )));
        }
        let cosine = cosine(&vector(&sample.output)?, &vector(expected)?).ok_or_else(|| {
            invalid("the two vectors must have the same length and finite numbers")
        })?;
        Ok(graded(
            rescaled(cosine, self.min),
            self.threshold,
            format!("cosine {cosine:.4}"),
        ))
    }
}

fn vector(value: &Value) -> Result<Vec<f64>, EvaluatorError> {
    value
        .as_array()
        .and_then(|items| items.iter().map(Value::as_f64).collect())
        .ok_or_else(|| invalid("expected an embedding, a list of numbers"))
}

/// Cosine of two vectors, 0 when one has no length; `None` for unlike dimensions or numbers that are not finite.
pub fn cosine(a: &[f64], b: &[f64]) -> Option<f64> {
    let dot: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let norms = norm(a) * norm(b);
    if a.len() != b.len() || !dot.is_finite() || !norms.is_finite() {
        return None;
    }
    Some(if norms == 0.0 { 0.0 } else { dot / norms })
}

/// The score of a cosine.
pub fn rescaled(cosine: f64, min: f64) -> f64 {
    ((cosine.min(1.0) - min) / (1.0 - min)).max(0.0)
}
