//! The verdicts.

use std::collections::BTreeSet;

use super::{
    ARBITER, CONCISENESS, CORRECTNESS, FACT, FACTUALITY, FIVE, HELPFULNESS, PREFERENCE, TOTAL,
    YES_NO, choice, prompt,
};

mod without_reference;

/// Task, words, blocks, and the word that is right.
type Row = (
    &'static str,
    &'static str,
    Vec<(&'static str, &'static str)>,
    &'static str,
);

const GESAMT: (&str, &str) = (
    "QUESTION",
    "Wie hoch ist der Gesamtwert der Bestellung 4711000042?",
);
const SCHUM: (&str, &str) = ("QUESTION", "מה הסכום הכולל של הזמנה 4711000042?");
const SUPPLIER: (&str, &str) = ("QUESTION", "Who is the supplier of 4711000042?");
const ORDER: &str = r#"{"po_number": "4711000042", "supplier": "NORD-V07", "supplier_name": "Nord Parts Ltd", "total": "1250.00", "currency": "USD", "created": "2019-05-03T00:00:00", "items": [{"item": "00010", "quantity": "10.000"}, {"item": "00020", "quantity": "4.000"}]}"#;

fn q(
    task: &'static str,
    words: &'static str,
    question: (&'static str, &'static str),
    other: (&'static str, &'static str),
    answer: &'static str,
    expected: &'static str,
) -> Row {
    (
        task,
        words,
        vec![question, other, ("ANSWER", answer)],
        expected,
    )
}

fn facts() -> Vec<Row> {
    let total = ("FACT", "1,250.00 USD");
    let name = ("FACT", "Nord Parts Ltd");
    let gone = ("FACT", "There is no order with this number.");
    let date = ("FACT", "2019-05-03");
    let open = ("FACT", "The order has not been delivered.");
    let f = |question, fact, answer, expected| q("fact", FACT, question, fact, answer, expected);
    vec![
        f(TOTAL, total, "The total is 1,250.00 USD.", "supported"),
        f(
            GESAMT,
            total,
            "Der Gesamtwert beträgt 1.250,00 USD.",
            "supported",
        ),
        f(SCHUM, total, "הסכום הכולל הוא 1,250 דולר.", "supported"),
        f(TOTAL, total, "The total is 1,520.00 USD.", "contradicted"),
        f(
            TOTAL,
            total,
            "It is not 1,250.00 USD but 980.00 USD.",
            "contradicted",
        ),
        f(TOTAL, total, "It is 1,250.00 EUR.", "contradicted"),
        f(
            GESAMT,
            total,
            "Die Bestellung wurde nicht gefunden.",
            "contradicted",
        ),
        f(SCHUM, total, "אין לי גישה למידע הזה.", "absent"),
        f(
            TOTAL,
            total,
            "Purchase order 4711000042 was placed in May.",
            "absent",
        ),
        f(TOTAL, total, "", "absent"),
        f(SUPPLIER, name, "It was ordered from Nord Parts.", "absent"),
        f(SUPPLIER, name, "הספק הוא Nord Parts Ltd.", "supported"),
        f(
            SUPPLIER,
            name,
            "The supplier is Southern Wheels Ltd.",
            "contradicted",
        ),
        f(
            TOTAL,
            gone,
            "Purchase order 4711000042 was not found.",
            "supported",
        ),
        f(
            GESAMT,
            gone,
            "Es gibt keine Bestellung mit dieser Nummer.",
            "supported",
        ),
        f(SCHUM, gone, "הזמנה 4711000042 לא נמצאה.", "supported"),
        f(TOTAL, gone, "The total is 12.00 USD.", "contradicted"),
        f(TOTAL, date, "Placed on 3 May 2019.", "supported"),
        f(
            GESAMT,
            date,
            "Sie wurde am 3. Mai 2019 angelegt.",
            "supported",
        ),
        f(SCHUM, date, "ההזמנה נוצרה ב-3 במאי 2019.", "supported"),
        f(TOTAL, date, "Placed on 5 March 2019.", "contradicted"),
        f(TOTAL, open, "It has not been delivered yet.", "supported"),
        f(
            GESAMT,
            open,
            "Die Bestellung wurde geliefert.",
            "contradicted",
        ),
        f(SCHUM, open, "ההזמנה עדיין לא סופקה.", "supported"),
        f(
            TOTAL,
            ("FACT", "7 items"),
            "It has seven items.",
            "supported",
        ),
        f(
            TOTAL,
            ("FACT", "7 items"),
            "It has 6 items.",
            "contradicted",
        ),
    ]
}

fn factuality() -> Vec<Row> {
    let total = ("EXPECTED", "The total is 1,250.00 USD.");
    let both = (
        "EXPECTED",
        "It cost 1,250.00 USD and was placed on 2019-05-03.",
    );
    let f = |question, expected, answer, word| {
        q("factuality", FACTUALITY, question, expected, answer, word)
    };
    vec![
        f(
            TOTAL,
            total,
            "The total of 4711000042 is 1,250.00 USD.",
            "same",
        ),
        f(GESAMT, total, "Der Gesamtwert ist 1.250,00 USD.", "same"),
        f(SCHUM, both, "הסכום הוא 1,250.00 דולר.", "subset"),
        f(TOTAL, both, "It was placed on 3 May 2019.", "subset"),
        f(
            TOTAL,
            total,
            "The total is 1,250.00 USD for 7 items of AB-12.",
            "superset",
        ),
        f(
            GESAMT,
            total,
            "Gesamtwert 1.250,00 USD, bestellt am 3. Mai 2019.",
            "superset",
        ),
        f(TOTAL, total, "The total is 1,350.00 USD.", "contradiction"),
        f(SCHUM, total, "הזמנה 4711000042 לא נמצאה.", "contradiction"),
        f(TOTAL, total, "Sorry, I can't help with that.", "subset"),
        f(
            TOTAL,
            total,
            "I looked that up for you.\nThe total is 1,250.00 USD.",
            "immaterial",
        ),
        f(TOTAL, total, "The total is about 1,249 USD.", "immaterial"),
    ]
}

fn comparisons() -> Vec<Row> {
    let total = ("EXPECTED", "1,250.00 USD");
    let both = ("EXPECTED", "1,250.00 USD, 2019-05-03");
    let context = ("CONTEXT", ORDER);
    let grounded = |answer, word| q("faithfulness", YES_NO, TOTAL, context, answer, word);
    let recall = |fact, word| {
        (
            "context_recall",
            YES_NO,
            vec![TOTAL, ("FACT", fact), context],
            word,
        )
    };
    let precision = |text, word| {
        (
            "context_precision",
            YES_NO,
            vec![TOTAL, total, ("CONTEXT", text)],
            word,
        )
    };
    let prefer = |first, second, word| {
        (
            "preference",
            PREFERENCE,
            vec![TOTAL, total, ("FIRST", first), ("SECOND", second)],
            word,
        )
    };
    vec![
        q(
            "correctness",
            CORRECTNESS,
            TOTAL,
            total,
            "It is 1,250.00 USD.",
            "correct",
        ),
        q(
            "correctness",
            CORRECTNESS,
            GESAMT,
            both,
            "Der Wert ist 1.250,00 USD.",
            "partly_correct",
        ),
        (
            "correctness",
            CORRECTNESS,
            vec![TOTAL, ("ANSWER", "It is 1,250.00 USD.")],
            "correct",
        ),
        (
            "instruction_following",
            YES_NO,
            vec![
                ("QUESTION", "What does 4711000042 cost? Answer in German."),
                ("ANSWER", "It is 1,250.00 USD."),
            ],
            "no",
        ),
        (
            "instruction_following",
            YES_NO,
            vec![TOTAL, ("ANSWER", "It is 1,250.00 USD.")],
            "yes",
        ),
        q(
            "correctness",
            CORRECTNESS,
            SCHUM,
            total,
            "הסכום הוא 990.00 אירו.",
            "incorrect",
        ),
        grounded("The total is 1,250.00 USD and it has 2 items.", "yes"),
        grounded("Bestellt wurde am 3. Mai 2019 bei Nord Parts Ltd.", "yes"),
        grounded("הסכום הוא 1,250.00 דולר והכמות היא 10.", "yes"),
        grounded("The total is 1,250.00 USD and it has 9 items.", "no"),
        grounded("Der Gesamtwert ist 1.300,00 USD.", "no"),
        recall("The supplier is Nord Parts Ltd.", "yes"),
        recall("The supplier is Southern Wheels Ltd.", "no"),
        precision(ORDER, "yes"),
        precision("The canteen opens at noon.", "no"),
        prefer("It is 1,250.00 USD.", "It is 900.00 USD.", "first"),
        prefer(
            "Das kann ich nicht sagen.",
            "Es sind 1.250,00 USD.",
            "second",
        ),
        prefer("It is 1,250.00 USD.", "It costs 1,250.00 USD.", "tie"),
    ]
}

fn rows() -> Vec<Row> {
    [
        facts(),
        factuality(),
        comparisons(),
        without_reference::rules(),
        without_reference::qualities(),
    ]
    .concat()
}

#[test]
fn verdicts() {
    let wrong: Vec<String> = rows()
        .iter()
        .filter_map(|(task, words, blocks, expected)| {
            let request = prompt(task, words, blocks);
            let chosen = choice(&ARBITER, &request);
            (chosen != *expected).then(|| {
                let given = super::answer(&ARBITER, &request);
                format!("{task} {blocks:?}\n  is {chosen}, not {expected}: {given:?}")
            })
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_word_has_a_row() {
    let rows = rows();
    for words in [
        YES_NO,
        FACTUALITY,
        FACT,
        PREFERENCE,
        HELPFULNESS,
        FIVE,
        CONCISENESS,
        CORRECTNESS,
    ] {
        let used: BTreeSet<&str> = rows
            .iter()
            .filter(|row| row.1 == words)
            .map(|row| row.3)
            .collect();
        for word in words.split(' ') {
            assert!(used.contains(word), "no row for {word}");
        }
    }
}
