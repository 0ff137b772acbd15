//! What a list says about its own completeness.

use serde::Serialize;

/// How much of what there is a list holds.
#[derive(Debug, Serialize)]
pub(super) struct Extent {
    returned: usize,
    total_count: u64,
    /// Only there when reading had to stop: `total_count` may then be too low.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    total_count_is_minimum: bool,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// What to tell when something is missing.
pub(super) struct Advice {
    /// What is listed, in the plural.
    pub(super) what: &'static str,
    /// Highest value of the argument `limit`, where the tool has one.
    pub(super) max_limit: Option<usize>,
    /// How to ask for less, as the end of a sentence.
    pub(super) narrower: &'static str,
}

impl Extent {
    /// `returned` of `total` rows; not `exact` when there may be more than `total`.
    pub(super) fn new(returned: usize, total: u64, exact: bool, advice: &Advice) -> Self {
        let truncated = total > returned as u64 || !exact;
        Self {
            returned,
            total_count: total,
            total_count_is_minimum: !exact,
            truncated,
            note: truncated.then(|| note(returned, total, exact, advice)),
        }
    }

    /// Says this as well.
    pub(super) fn and_note(mut self, sentence: Option<String>) -> Self {
        self.note = match (self.note, sentence) {
            (Some(note), Some(sentence)) => Some(format!("{note} {sentence}")),
            (note, sentence) => note.or(sentence),
        };
        self
    }
}

fn note(returned: usize, total: u64, exact: bool, advice: &Advice) -> String {
    let Advice {
        what,
        max_limit,
        narrower,
    } = advice;
    if !exact {
        return format!(
            "SAP holds more than could be read at once, so {what} are missing, total_count is a minimum and \
             sums that would be too small are null: {narrower}."
        );
    }
    let more = max_limit.filter(|max| returned < *max);
    match more {
        Some(max) if total <= max as u64 => {
            format!("Only {returned} of {total} {what} are listed: set limit up to {max} for more.")
        }
        Some(max) => format!(
            "Only {returned} of {total} {what} are listed: set limit up to {max} for more, or {narrower}."
        ),
        None => format!("Only {returned} of {total} {what} are listed: {narrower}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_is_missing_and_what_to_do() {
        let advice = Advice {
            what: "orders",
            max_limit: Some(100),
            narrower: "narrow it",
        };
        for (returned, total, exact, expected) in [
            (20, 20, true, None),
            (0, 0, true, None),
            (
                20,
                43,
                true,
                Some("Only 20 of 43 orders are listed: set limit up to 100 for more."),
            ),
            (
                20,
                143,
                true,
                Some(
                    "Only 20 of 143 orders are listed: set limit up to 100 for more, or narrow it.",
                ),
            ),
            (
                100,
                143,
                true,
                Some("Only 100 of 143 orders are listed: narrow it."),
            ),
            (
                20,
                20,
                false,
                Some(
                    "SAP holds more than could be read at once, so orders are missing, total_count is a minimum \
                     and sums that would be too small are null: narrow it.",
                ),
            ),
        ] {
            let extent = Extent::new(returned, total, exact, &advice);
            assert_eq!(extent.note.as_deref(), expected);
            assert_eq!(extent.truncated, expected.is_some());
            assert_eq!(extent.total_count_is_minimum, !exact);
        }
    }
}
