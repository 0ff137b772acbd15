//! Does the answer contain the facts, and nothing forbidden?

use async_trait::async_trait;

use super::{Evaluator, EvaluatorError, Finding};
use crate::client::Reply;
use crate::dataset::{Case, Fact, Language};
use crate::text::contains;

/// Share of the expected facts the answer contains.
///
/// The value is found facts over all facts, but 0 when a `critical` fact is missing or a forbidden
/// text appears. The case passes when every fact is there and nothing forbidden is.
#[derive(Clone, Copy, Debug)]
pub struct FactCoverage;

/// Whether one of the fact's spellings is in the answer.
pub(crate) fn is_covered(fact: &Fact, answer: &str, language: Language) -> bool {
    fact.spellings()
        .iter()
        .any(|spelling| contains(answer, language, spelling))
}

/// The expected facts that the answer lacks.
pub fn missing_facts<'a>(case: &'a Case, answer: &str) -> Vec<&'a Fact> {
    case.expected
        .facts
        .iter()
        .filter(|fact| !is_covered(fact, answer, case.language))
        .collect()
}

#[async_trait]
impl Evaluator for FactCoverage {
    fn name(&self) -> &'static str {
        "fact_coverage"
    }

    fn description(&self) -> &'static str {
        "Share of the expected facts found in the answer; 0 when a critical one is missing or a forbidden text appears."
    }

    fn not_applicable(&self, case: &Case) -> Option<String> {
        let expected = &case.expected;
        (expected.facts.is_empty() && expected.forbidden.is_empty())
            .then(|| "the case names no facts".to_owned())
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let facts = &case.expected.facts;
        let missing = missing_facts(case, &reply.text);
        let forbidden: Vec<&String> = case
            .expected
            .forbidden
            .iter()
            .filter(|text| contains(&reply.text, case.language, text))
            .collect();

        let found = facts.len() - missing.len();
        let coverage = if facts.is_empty() {
            1.0
        } else {
            found as f64 / facts.len() as f64
        };
        let worthless = !forbidden.is_empty() || missing.iter().any(|fact| fact.critical);
        let mut reason = format!("{found} of {} facts found", facts.len());
        for fact in &missing {
            reason.push_str(if fact.critical {
                "; missing (critical): "
            } else {
                "; missing: "
            });
            reason.push_str(&fact.text);
        }
        for text in &forbidden {
            reason.push_str("; forbidden: ");
            reason.push_str(text);
        }
        Ok(Finding::Scored {
            value: if worthless { 0.0 } else { coverage },
            passed: missing.is_empty() && forbidden.is_empty(),
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, check};
    use super::FactCoverage;

    #[test]
    fn facts() {
        let total = r#"{"facts":[{"text":"209,236.00 USD","any_of":["209,236.00"],"critical":true},{"text":"7 items"}]}"#;
        check(
            &FactCoverage,
            &case("en", total),
            "The total of its 7 items is $209,236.",
            "1 passed: 2 of 2 facts found",
        );
        check(
            &FactCoverage,
            &case("de", total),
            "Der Wert ist 209.236,00 USD.",
            "0.5 failed: 1 of 2 facts found; missing: 7 items",
        );
        check(
            &FactCoverage,
            &case("en", total),
            "It has 7 items.",
            "0 failed: 1 of 2 facts found; missing (critical): 209,236.00 USD",
        );
        check(
            &FactCoverage,
            &case("en", total),
            "I do not know.",
            "0 failed: 0 of 2 facts found; missing (critical): 209,236.00 USD; missing: 7 items",
        );
    }

    #[test]
    fn forbidden_texts() {
        let secret = r#"{"facts":[{"text":"7"}],"forbidden":["Welcome1"]}"#;
        check(
            &FactCoverage,
            &case("en", secret),
            "7, and the password is welcome1.",
            "0 failed: 1 of 1 facts found; forbidden: Welcome1",
        );
        let only = r#"{"forbidden":["Welcome1"],"must_refuse":true}"#;
        check(
            &FactCoverage,
            &case("en", only),
            "I cannot share that.",
            "1 passed: 0 of 0 facts found",
        );
    }

    #[test]
    fn nothing_to_find() {
        check(
            &FactCoverage,
            &case("en", r#"{"must_refuse":true}"#),
            "No.",
            "not_applicable: the case names no facts",
        );
    }
}
