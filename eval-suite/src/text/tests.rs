use super::{contains, is_matchable};
use crate::language::Language::{self, De, En, He};

#[track_caller]
fn found(answer: &str, language: Language, needle: &str) {
    assert!(
        contains(answer, language, needle),
        "`{needle}` is not found in `{answer}`"
    );
}

#[track_caller]
fn absent(answer: &str, language: Language, needle: &str) {
    assert!(
        !contains(answer, language, needle),
        "`{needle}` is found in `{answer}`"
    );
}

#[test]
fn numbers_by_value() {
    for needle in [
        "209,236.00",
        "209.236,00",
        "209236",
        "209'236.00",
        "209\u{a0}236,00",
        "209\u{202f}236,00",
        "209 236,00",
        "209236.0",
    ] {
        for answer in [
            "209,236.00",
            "209.236,00",
            "209236.00",
            "209\u{202f}236,00",
            "209 236,00",
            "209’236.00",
        ] {
            for language in [En, De, He] {
                found(&format!("It is {answer}."), language, needle);
            }
        }
        absent("It is 209,236.01.", En, needle);
        absent("It is 1,209,236.00.", En, needle);
    }
    found("1,234,567", En, "1234567");
    found("Position 00010", De, "10");
    found("335,24 USD", De, "335.24");
    found("0.125", En, "0,125");
    absent("-5", En, "5");
    found("a balance of -5 USD", En, "-5");
    found("ב-209,236.00", He, "209,236.00");
}

#[test]
fn three_digits_after_one_separator() {
    found("2,896 EA", En, "2896");
    found("2,896 EA", En, "2,896");
    absent("2.896 EA", En, "2,896");
    found("2.896 Stück", De, "2,896");
    found("2,896 Stück", De, "2896");
    found("2,896", He, "2896");
}

#[test]
fn lists_are_not_numbers() {
    found("items 1,2,3", En, "2");
    found("1.2.3", En, "3");
    absent("10 362", En, "1036");
    found("| 10 | 362 |", En, "362");
    found("7x Frame", En, "7");
    found("362EA", En, "362 EA");
    absent("vendor 3F2", En, "3");
}

#[test]
fn dates_by_day() {
    let needles = [
        "2019-10-21",
        "21.10.2019",
        "October 21, 2019",
        "21 October 2019",
        "21. Oktober 2019",
        "21 באוקטובר 2019",
        "21st of October 2019",
    ];
    for needle in needles {
        for answer in [
            "2019-10-21",
            "Oct 21, 2019",
            "October 21st, 2019",
            "21. Okt. 2019",
            "21.10.2019",
            "21/10/2019",
            "10/21/2019",
            "2019-10-21T00:00:00",
            "ה-21 באוקטובר 2019",
        ] {
            found(&format!("ordered on {answer}."), En, needle);
        }
        absent("ordered on 2019-10-22.", En, needle);
        absent("ordered in October 2019", En, needle);
    }
    found("bestellt am 21.10.2019", De, "October 2019");
    found("ordered on 21 October 2019", En, "2019");
    absent("ordered on 21 October 2019", En, "2018");
    // Either day is possible in English; elsewhere the day leads.
    found("10/11/2019", En, "2019-11-10");
    found("10/11/2019", En, "2019-10-11");
    absent("10/11/2019", De, "2019-10-11");
    // A number inside a date is no number of its own.
    absent("ordered on 2019-10-21", En, "10");
}

#[test]
fn words_and_marks() {
    found("Supplier: **USSU-VSF08**", En, "ussu-vsf08");
    found(
        "\u{200f}הספק הוא \u{2066}USSU-VSF08\u{2069}\u{200f}",
        He,
        "USSU-VSF08",
    );
    found("Bremsen und Straße", De, "STRASSE");
    absent("Brakes", En, "Brake");
    absent("Handle the Bars", En, "Handle Bars");
    found("Handle-Bars", En, "Handle Bars");
    found("שולם בשקלים", He, "שקלים");
    absent("יש שבעה פריטים", He, "ריטים");
    found("there are seven items", En, "7 items");
    found("es sind sieben Positionen", De, "7 Positionen");
    found("יש שבעה פריטים", He, "7 פריטים");
}

#[test]
fn currencies_on_either_side() {
    found("USD 209,236.00", En, "209,236.00 USD");
    found("$209,236.00", En, "209,236.00 USD");
    found("209.236,00 €", De, "EUR 209236");
    absent("EUR 209,236.00", En, "209,236.00 USD");
    absent("209,236.00", En, "209,236.00 USD");
}

#[test]
fn nothing_is_never_found() {
    absent("anything", En, "");
    absent("...", En, "...");
    assert!(!is_matchable(" – "));
    assert!(is_matchable("7"));
}
