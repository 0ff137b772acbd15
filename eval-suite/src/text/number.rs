//! Numbers by value, from the notations of three languages.

/// A decimal number in one canonical spelling: no sign for zero, no leading or trailing zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value(String);

impl Value {
    /// From whole and decimal digits as they stand in the text.
    fn new(negative: bool, whole: &str, decimals: &str) -> Self {
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            digits => digits,
        };
        let decimals = decimals.trim_end_matches('0');
        let mut text = String::with_capacity(whole.len() + decimals.len() + 2);
        if negative && (whole != "0" || !decimals.is_empty()) {
            text.push('-');
        }
        text.push_str(whole);
        if !decimals.is_empty() {
            text.push('.');
            text.push_str(decimals);
        }
        Self(text)
    }

    /// From digits alone.
    pub(crate) fn whole(digits: &str) -> Self {
        Self::new(false, digits, "")
    }

    /// From a number that is no text.
    pub(crate) fn integer(number: u32) -> Self {
        Self(number.to_string())
    }

    /// Whether this is exactly that whole number.
    pub(crate) fn is_integer(&self, number: i64) -> bool {
        self.0 == number.to_string()
    }

    /// As a small whole number, for parts of dates.
    pub(crate) fn as_u32(&self) -> Option<u32> {
        self.0.parse().ok()
    }
}

/// How to read three digits after a single separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ambiguous {
    /// As a group: how facts are read.
    Group,
    /// `,` groups and `.` starts decimals: English and Hebrew.
    PointIsDecimal,
    /// Either way: German text, where English notation is common too.
    Both,
}

/// One run of digits and separators: `parts[0] separators[0] parts[1] ...`.
///
/// Returns the possible values of the whole run, or `None` when the run is no single number (a
/// list, a version, a date).
pub(crate) fn parse(
    negative: bool,
    parts: &[&str],
    separators: &[char],
    ambiguous: Ambiguous,
) -> Option<Vec<Value>> {
    let grouped = |count: usize| {
        parts[0].len() <= 3
            && parts[1..=count].iter().all(|part| part.len() == 3)
            && !(parts[0].starts_with('0'))
    };
    let whole = |count: usize| parts[..=count].concat();
    match separators {
        [] => Some(vec![Value::new(negative, parts[0], "")]),
        [only] => {
            let as_group = grouped(1).then(|| Value::new(negative, &whole(1), ""));
            let as_decimal =
                is_decimal_mark(*only).then(|| Value::new(negative, parts[0], parts[1]));
            match (as_group, as_decimal, ambiguous) {
                (Some(group), Some(_), Ambiguous::Group) => Some(vec![group]),
                (Some(_), Some(decimal), Ambiguous::PointIsDecimal) if *only == '.' => {
                    Some(vec![decimal])
                }
                (Some(group), Some(_), Ambiguous::PointIsDecimal) => Some(vec![group]),
                (Some(group), Some(decimal), Ambiguous::Both) => Some(vec![group, decimal]),
                (group, decimal, _) => group.or(decimal).map(|value| vec![value]),
            }
        }
        [groups @ .., last] => {
            let first = groups[0];
            if groups.iter().any(|separator| *separator != first) || !grouped(groups.len()) {
                None
            } else if *last == first {
                (grouped(separators.len()))
                    .then(|| vec![Value::new(negative, &whole(separators.len()), "")])
            } else if is_decimal_mark(*last) {
                Some(vec![Value::new(
                    negative,
                    &whole(groups.len()),
                    parts[separators.len()],
                )])
            } else {
                None
            }
        }
    }
}

/// Characters that may stand between the digits of one number.
pub(crate) fn is_separator(character: char) -> bool {
    is_decimal_mark(character) || matches!(character, '\'' | ' ')
}

fn is_decimal_mark(character: char) -> bool {
    matches!(character, '.' | ',')
}
