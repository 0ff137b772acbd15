//! How many words, or word sequences, do two texts share?

use std::collections::HashMap;

use serde::Deserialize;

use super::scorer::{
    Sample, Scorer, default_threshold, graded, invalid, missing_reference, text_of,
};
use super::{EvaluatorError, Finding};

/// Longest sequences [`bleu`] counts, by default.
const BLEU_ORDER: usize = 4;

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// See [`token_f1`].
    #[default]
    TokenF1,
    /// See [`rouge_n`].
    RougeN,
    /// See [`rouge_l`].
    RougeL,
    /// See [`bleu`].
    Bleu,
}

/// One of the overlap measures.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextOverlap {
    /// Which one.
    pub metric: Metric,
    /// Length of the sequences of ROUGE-N (1 without it), longest of BLEU (4 without it).
    pub n: Option<usize>,
    /// What passes.
    pub threshold: f64,
}

impl Default for TextOverlap {
    fn default() -> Self {
        Self {
            metric: Metric::TokenF1,
            n: None,
            threshold: default_threshold(),
        }
    }
}

impl Scorer for TextOverlap {
    fn score(&self, sample: &Sample) -> Result<Finding, EvaluatorError> {
        let Some(expected) = sample.expected() else {
            return Ok(missing_reference());
        };
        if self.n.is_some_and(|n| !(1..=8).contains(&n)) {
            return Err(invalid("`n` must be 1 to 8"));
        }
        let (output, expected) = (text_of(&sample.output), text_of(expected));
        let value = match self.metric {
            Metric::TokenF1 => token_f1(&output, &expected),
            Metric::RougeN => rouge_n(&output, &expected, self.n.unwrap_or(1)),
            Metric::RougeL => rouge_l(&output, &expected),
            Metric::Bleu => bleu(&output, &expected, self.n.unwrap_or(BLEU_ORDER)),
        };
        Ok(graded(value, self.threshold, format!("{value:.4}")))
    }
}

/// Words in lower case, split at everything that is no letter, digit or mark.
fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Words as SQuAD normalises them (Rajpurkar 2016): lower case, ASCII punctuation removed, English articles dropped.
fn squad_words(text: &str) -> Vec<String> {
    let plain: String = text
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_ascii_punctuation())
        .collect();
    plain
        .split_whitespace()
        .filter(|word| !matches!(*word, "a" | "an" | "the"))
        .map(str::to_owned)
        .collect()
}

fn counts(words: &[String], n: usize) -> HashMap<&[String], usize> {
    let mut counts = HashMap::new();
    for gram in words.windows(n) {
        *counts.entry(gram).or_insert(0) += 1;
    }
    counts
}

fn shared(a: &[String], b: &[String], n: usize) -> usize {
    let theirs = counts(b, n);
    counts(a, n)
        .into_iter()
        .map(|(gram, count)| count.min(theirs.get(gram).copied().unwrap_or(0)))
        .sum()
}

/// 2PR / (P + R); both sides empty 1, one empty 0.
fn f1(matched: usize, output: usize, expected: usize) -> f64 {
    match (output, expected) {
        (0, 0) => 1.0,
        (0, _) | (_, 0) => 0.0,
        _ => 2.0 * matched as f64 / (output + expected) as f64,
    }
}

/// F1 over the bags of words, normalised as SQuAD does.
pub fn token_f1(output: &str, expected: &str) -> f64 {
    let (output, expected) = (squad_words(output), squad_words(expected));
    f1(shared(&output, &expected, 1), output.len(), expected.len())
}

/// F1 over the counts of word sequences of length `n` (Lin 2004). Without stemming.
pub fn rouge_n(output: &str, expected: &str, n: usize) -> f64 {
    let (output, expected) = (words(output), words(expected));
    let grams = |words: &[String]| (words.len() + 1).saturating_sub(n);
    f1(
        shared(&output, &expected, n),
        grams(&output),
        grams(&expected),
    )
}

/// F1 over the longest common subsequence of words (Lin 2004).
pub fn rouge_l(output: &str, expected: &str) -> f64 {
    let (output, expected) = (words(output), words(expected));
    f1(
        common_subsequence(&output, &expected),
        output.len(),
        expected.len(),
    )
}

/// Length of the longest common subsequence.
pub(super) fn common_subsequence<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y {
                diagonal + 1
            } else {
                above.max(row[j])
            };
            diagonal = above;
        }
    }
    row[b.len()]
}

/// Geometric mean of the clipped precisions of sequences up to `order`, times the brevity penalty (Papineni 2002).
/// Precisions beyond the first are smoothed by one (Lin and Och 2004), and `order` is cut to the shorter text.
pub fn bleu(output: &str, expected: &str, order: usize) -> f64 {
    let (output, expected) = (words(output), words(expected));
    if output.is_empty() || expected.is_empty() {
        return f64::from(u8::from(output.is_empty() && expected.is_empty()));
    }
    let order = order.min(output.len()).min(expected.len());
    let mut log_sum = 0.0;
    for n in 1..=order {
        let (matched, total) = (shared(&output, &expected, n), output.len() + 1 - n);
        let add = usize::from(n > 1);
        if matched + add == 0 {
            return 0.0;
        }
        log_sum += ((matched + add) as f64 / (total + add) as f64).ln();
    }
    let ratio = expected.len() as f64 / output.len() as f64;
    let brevity = if ratio > 1.0 {
        (1.0 - ratio).exp()
    } else {
        1.0
    };
    brevity * (log_sum / order as f64).exp()
}
