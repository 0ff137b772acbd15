//! Is the answer in the language of the question?

use async_trait::async_trait;

use super::{Evaluator, EvaluatorError, Finding};
use crate::client::Reply;
use crate::dataset::{Case, Language};

/// Words of evidence below which nothing is said about an answer's language.
const MIN_EVIDENCE: usize = 2;

/// The answer's language: Hebrew by script, English and German by their function words.
///
/// Numbers, identifiers and words in capitals say nothing, because orders carry English item names
/// in every language. An answer too short to tell is not judged.
#[derive(Clone, Copy, Debug)]
pub struct AnswerLanguage;

#[async_trait]
impl Evaluator for AnswerLanguage {
    fn name(&self) -> &'static str {
        "language"
    }

    fn description(&self) -> &'static str {
        "Whether the answer is in the language of the question."
    }

    async fn evaluate(&self, case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        Ok(match detect(&reply.text) {
            Some(found) => Finding::pass_or_fail(
                found == case.language,
                format!(
                    "answered in {}, expected {}",
                    found.code(),
                    case.language.code()
                ),
            ),
            None => Finding::NotApplicable {
                reason: "the answer is too short to tell its language".to_owned(),
            },
        })
    }
}

/// The language with the most evidence, if there is enough of it and no tie.
pub(crate) fn detect(text: &str) -> Option<Language> {
    let words = prose(text);
    let count = |list: &[&str]| {
        words
            .iter()
            .filter(|word| list.contains(&word.as_str()))
            .count()
    };
    let evidence = [
        (
            Language::He,
            words
                .iter()
                .filter(|word| word.chars().any(crate::text::is_hebrew))
                .count(),
        ),
        (Language::En, count(&ENGLISH)),
        (Language::De, count(&GERMAN)),
    ];
    let (language, most) = evidence.into_iter().max_by_key(|(_, count)| *count)?;
    let tie = evidence.iter().filter(|(_, count)| *count == most).count() > 1;
    (most >= MIN_EVIDENCE && !tie).then_some(language)
}

/// Words that are prose: letters only, and not all capitals.
fn prose(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && word.chars().all(char::is_alphabetic))
        .filter(|word| {
            word.chars()
                .any(|c| c.is_lowercase() || crate::text::is_hebrew(c))
        })
        .map(str::to_lowercase)
        .collect()
}

// Frequent words that the other language does not have; "in", "die", "was", "war" and "an" are left out.
const ENGLISH: [&str; 48] = [
    "the", "and", "of", "is", "are", "to", "for", "with", "from", "has", "have", "been", "this",
    "that", "these", "there", "it", "its", "by", "on", "at", "as", "be", "not", "no", "which",
    "does", "do", "you", "your", "can", "cannot", "could", "would", "will", "please", "were",
    "any", "or", "we", "our", "my", "all", "total", "order", "purchase", "supplier", "only",
];
const GERMAN: [&str; 52] = [
    "der",
    "das",
    "und",
    "ist",
    "sind",
    "den",
    "dem",
    "des",
    "ein",
    "eine",
    "einen",
    "einer",
    "einem",
    "mit",
    "von",
    "für",
    "auf",
    "im",
    "zu",
    "zum",
    "zur",
    "nicht",
    "kein",
    "keine",
    "keinen",
    "es",
    "ich",
    "sie",
    "wir",
    "ihnen",
    "ihre",
    "ihr",
    "bei",
    "aus",
    "nach",
    "wurde",
    "wurden",
    "hat",
    "haben",
    "kann",
    "können",
    "bitte",
    "gibt",
    "über",
    "sich",
    "auch",
    "oder",
    "als",
    "beträgt",
    "leider",
    "bestellung",
    "insgesamt",
];

#[cfg(test)]
mod tests {
    use super::super::testing::{case, check};
    use super::AnswerLanguage;

    #[test]
    fn languages() {
        let asked = |language| case(language, r#"{"must_refuse":true}"#);
        let english = "The total of purchase order 4500000520 is 209,236.00 USD.";
        let german = "Die Bestellung 4500000520 hat einen Gesamtwert von 209.236,00 USD.";
        let hebrew = "הסכום הכולל של הזמנה 4500000520 הוא 209,236.00 USD (Frame, Handle Bars, Seat, Wheels, Forks).";
        check(
            &AnswerLanguage,
            &asked("en"),
            english,
            "1 passed: answered in en, expected en",
        );
        check(
            &AnswerLanguage,
            &asked("de"),
            german,
            "1 passed: answered in de, expected de",
        );
        check(
            &AnswerLanguage,
            &asked("he"),
            hebrew,
            "1 passed: answered in he, expected he",
        );
        check(
            &AnswerLanguage,
            &asked("he"),
            english,
            "0 failed: answered in en, expected he",
        );
        check(
            &AnswerLanguage,
            &asked("en"),
            german,
            "0 failed: answered in de, expected en",
        );
        check(
            &AnswerLanguage,
            &asked("de"),
            hebrew,
            "0 failed: answered in he, expected de",
        );
    }

    #[test]
    fn too_little_to_tell() {
        let none = "not_applicable: the answer is too short to tell its language";
        let asked = case("de", r#"{"must_refuse":true}"#);
        check(&AnswerLanguage, &asked, "209,236.00 USD", none);
        check(&AnswerLanguage, &asked, "USSU-VSF08", none);
        check(&AnswerLanguage, &asked, "Frame, Seat, Wheels", none);
        check(&AnswerLanguage, &asked, "", none);
    }
}
