//! Numbers and dates as each language writes them.

use super::language::Language;

const MONTHS: [[&str; 12]; 3] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    [
        "ינואר",
        "פברואר",
        "מרץ",
        "אפריל",
        "מאי",
        "יוני",
        "יולי",
        "אוגוסט",
        "ספטמבר",
        "אוקטובר",
        "נובמבר",
        "דצמבר",
    ],
];

/// A decimal number with the language's separators; anything else is returned as it is.
pub(crate) fn number(language: Language, decimal: &str) -> String {
    let (sign, digits) = decimal
        .strip_prefix('-')
        .map_or(("", decimal), |digits| ("-", digits));
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    if whole.is_empty()
        || !whole
            .bytes()
            .chain(fraction.unwrap_or("0").bytes())
            .all(|b| b.is_ascii_digit())
    {
        return decimal.to_owned();
    }
    let (group, point) = if language == Language::German {
        ('.', ',')
    } else {
        (',', '.')
    };
    let mut written = sign.to_owned();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            written.push(group);
        }
        written.push(digit);
    }
    if let Some(fraction) = fraction {
        written.push(point);
        written.push_str(fraction);
    }
    written
}

/// Year, month and day of a text that starts with an ISO date.
pub(crate) fn iso_date(text: &str) -> Option<(u32, usize, u32)> {
    let date = text.get(..10)?;
    let ends = text[10..]
        .chars()
        .next()
        .is_none_or(|c| c == 'T' || c == ' ');
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || month.len() != 2 || !ends {
        return None;
    }
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month, day))
}

/// An ISO date in words; anything else is returned as it is.
pub(crate) fn date(language: Language, iso: &str) -> String {
    let Some((year, month, day)) = iso_date(iso) else {
        return iso.to_owned();
    };
    let month = MONTHS[language.index()][month - 1];
    match language {
        Language::English => format!("{day} {month} {year}"),
        Language::German => format!("{day}. {month} {year}"),
        Language::Hebrew => format!("{day} ב{month} {year}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_and_dates() {
        for (language, amount, day) in [
            (Language::English, "209,236.00", "21 October 2019"),
            (Language::German, "209.236,00", "21. Oktober 2019"),
            (Language::Hebrew, "209,236.00", "21 באוקטובר 2019"),
        ] {
            assert_eq!(number(language, "209236.00"), amount);
            assert_eq!(date(language, "2019-10-21"), day);
        }
        assert_eq!(number(Language::English, "-1234"), "-1,234");
        assert_eq!(number(Language::English, "362"), "362");
        assert_eq!(number(Language::English, "1710-A"), "1710-A");
        assert_eq!(date(Language::English, "0001"), "0001");
    }
}
