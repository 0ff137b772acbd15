//! The form of an OData query: which options, operators and names it is made of, without the texts that people wrote.
//!
//! A text that got out of its literal shows here: as a name, an operator or a quote that nobody meant to send.

/// Longest form that is kept.
const LIMIT_CHARS: usize = 2000;
/// Stands for a text literal.
const LITERAL: &str = "'?'";
/// Stands for a literal without an end, and whatever it swallowed.
const OPEN_LITERAL: &str = "'!";

/// The decoded options of a query, joined by `&`, with their text literals masked.
pub(super) fn of(query: &str) -> String {
    let options = url::form_urlencoded::parse(query.as_bytes());
    let masked: Vec<String> = options
        .map(|(name, value)| format!("{}={}", mask(&name), mask(&value)))
        .collect();
    masked.join("&").chars().take(LIMIT_CHARS).collect()
}

fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some((before, literal)) = rest.split_once('\'') {
        masked.push_str(before);
        let Some(end) = end_of_literal(literal) else {
            return masked + OPEN_LITERAL;
        };
        masked.push_str(LITERAL);
        rest = &literal[end..];
    }
    masked + rest
}

/// Where the text after a literal begins: OData doubles a quote that belongs to the text.
fn end_of_literal(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('\'').map(|(at, _)| at).peekable();
    while let Some(quote) = quotes.next() {
        if quotes.next_if_eq(&(quote + 1)).is_none() {
            return Some(quote + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_masked_and_the_rest_is_decoded() {
        for (query, form) in [
            ("$top=20&sap-client=100", "$top=20&sap-client=100"),
            (
                "%24filter=Supplier%20eq%20%27O%27%27Neil%27%20and%20X%20eq%20%27%27",
                "$filter=Supplier eq '?' and X eq '?'",
            ),
            ("$filter=A eq 'x' or 1 eq 1", "$filter=A eq '?' or 1 eq 1"),
            ("$filter=A eq 'x'' or 1 eq 1", "$filter=A eq '!"),
            (
                "$filter=D ge datetime'2019-10-21T00:00:00'",
                "$filter=D ge datetime'?'",
            ),
            ("$filter=A eq ''''", "$filter=A eq '?'"),
            ("", ""),
        ] {
            assert_eq!(of(query), form, "{query}");
        }
        assert_eq!(of(&"x".repeat(5000)).len(), LIMIT_CHARS);
    }
}
