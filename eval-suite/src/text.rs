//! Comparing what an answer says with what it should say, by value rather than by spelling.
//!
//! A text becomes a sequence of tokens: words (folded case, without accents of direction), numbers
//! (by value, whatever separates their groups and decimals) and dates (by day, whatever the
//! notation). A fact is in an answer when its tokens stand there next to each other.
//!
//! Three digits after a single separator can be a group or decimals. In a fact they are a group;
//! in an answer the language decides: `,` groups in English and Hebrew, German text allows both.

mod date;
mod number;
mod scan;
mod word;

use crate::language::Language;
use scan::{Reading, tokens};
pub(crate) use word::is_hebrew;

/// One comparable piece of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A word in folded case.
    Word(String),
    /// A number with every value its notation allows.
    Number(Vec<number::Value>),
    /// A calendar date with every day its notation allows.
    Date(Vec<date::Day>),
}

/// Whether a needle is found in an answer written in `language`.
///
/// A needle without letter or digit is never found; see [`is_matchable`].
///
/// ```
/// use eval_suite::{language::Language, text::contains};
/// assert!(contains("Der Gesamtwert ist 209.236,00 USD.", Language::De, "209,236.00 USD"));
/// assert!(contains("ordered on October 21, 2019", Language::En, "2019-10-21"));
/// assert!(!contains("209,236.00 USD", Language::En, "209,237.00 USD"));
/// ```
pub fn contains(answer: &str, language: Language, needle: &str) -> bool {
    // A plain space between digit groups is a group separator in "209 236,00" and none in "10 362".
    [false, true].into_iter().any(|join_spaces| {
        let answer = tokens(
            answer,
            Reading::Answer {
                language,
                join_spaces,
            },
        );
        let needle = tokens(
            needle,
            Reading::Fact {
                language,
                join_spaces,
            },
        );
        found(&answer, &needle)
            || swapped_currency(&needle).is_some_and(|needle| found(&answer, &needle))
    })
}

/// Whether a needle holds anything that could be found.
pub fn is_matchable(needle: &str) -> bool {
    !tokens(
        needle,
        Reading::Fact {
            language: Language::En,
            join_spaces: false,
        },
    )
    .is_empty()
}

/// The words of a text in folded case, without numbers, dates and invisible marks.
pub(crate) fn words(text: &str) -> Vec<String> {
    let reading = Reading::Answer {
        language: Language::En,
        join_spaces: false,
    };
    tokens(text, reading)
        .into_iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word),
            Token::Number(_) | Token::Date(_) => None,
        })
        .collect()
}

fn found(answer: &[Token], needle: &[Token]) -> bool {
    !needle.is_empty()
        && answer.windows(needle.len()).any(|window| {
            window
                .iter()
                .zip(needle)
                .all(|(have, want)| same(have, want))
        })
}

fn same(have: &Token, want: &Token) -> bool {
    match (have, want) {
        (Token::Word(have), Token::Word(want)) => word::same(have, want),
        (Token::Number(have), Token::Number(want)) => want.iter().any(|value| have.contains(value)),
        (Token::Date(have), Token::Date(want)) => want
            .iter()
            .any(|want| have.iter().any(|have| have.matches(*want))),
        // "2019" is said by any day of that year.
        (Token::Date(have), Token::Number(want)) => want
            .iter()
            .any(|value| have.iter().any(|day| value.is_integer(i64::from(day.year)))),
        _ => false,
    }
}

/// "209,236.00 USD" is also written "USD 209,236.00".
fn swapped_currency(needle: &[Token]) -> Option<Vec<Token>> {
    match needle {
        [number @ Token::Number(_), Token::Word(currency)]
        | [Token::Word(currency), number @ Token::Number(_)]
            if word::is_currency(currency) =>
        {
            let currency = Token::Word(currency.clone());
            Some(if matches!(needle[0], Token::Number(_)) {
                vec![currency, number.clone()]
            } else {
                vec![number.clone(), currency]
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
