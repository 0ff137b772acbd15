//! Pairwise questions, asked in both orders: many judges prefer whatever they read first.

use super::choices::Choices;
use super::prompt::{Prompt, Values};
use super::{Judge, JudgeError, JudgeRecord};

/// Which of two texts is better.
pub(crate) const PREFERENCE: Choices = Choices::new(
    "preference",
    &[("first", 1.0), ("second", 0.0), ("tie", 0.5)],
    0.5,
);

/// The outcome of both orders.
#[derive(Clone, Debug, PartialEq)]
pub struct Preference {
    /// 1 when the first text is better in either order, 0 when the second is, 0.5 for a tie or a contradiction.
    pub value: f64,
    /// `first`, `second`, `tie` or `inconsistent`.
    pub label: &'static str,
    /// Whether both orders name the same text, or both a tie. Below 0.8 over a set, a judge is not fit for pairs.
    pub consistent: bool,
    /// The reasons of the order in which it was asked first.
    pub reason: String,
    /// What both orders took.
    pub record: JudgeRecord,
}

impl Judge {
    /// Compares two texts, `first` and `second` among `values`, in both orders (Zheng et al. 2306.05685).
    ///
    /// # Errors
    /// As [`Judge::choose`], for either order.
    pub async fn prefer(&self, prompt: &Prompt, values: &Values) -> Result<Preference, JudgeError> {
        let mut swapped = values.clone();
        for (name, _) in &mut swapped {
            *name = match *name {
                "first" => "second",
                "second" => "first",
                other => other,
            };
        }
        let (straight, swapped) = futures::join!(
            self.choose(prompt, values, &PREFERENCE),
            self.choose(prompt, &swapped, &PREFERENCE),
        );
        let (straight, swapped) = (straight?, swapped?);
        let (value, label, consistent) = match (straight.label.as_str(), swapped.label.as_str()) {
            ("first", "second") => (1.0, "first", true),
            ("second", "first") => (0.0, "second", true),
            ("tie" | "split", "tie" | "split") => (0.5, "tie", true),
            _ => (0.5, "inconsistent", false),
        };
        Ok(Preference {
            value,
            label,
            consistent,
            reason: format!(
                "{label}; in this order {}, in the other {}",
                straight.reason, swapped.reason
            ),
            record: JudgeRecord::merged([straight.record, swapped.record]),
        })
    }
}
