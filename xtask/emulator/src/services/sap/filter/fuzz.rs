//! The parser and the evaluator of `$filter` under generated input.
//!
//! A few thousand executions a run, enough to see two operators of the wrong precedence; for a campaign say how many:
//! `PROPTEST_CASES=1000000 cargo test -p emulator --lib filter::fuzz`.

use std::sync::LazyLock;

use proptest::{prelude::*, sample::Index};

use super::Filter;
use crate::services::sap::{
    entities::{EntitySet, Row, SERVICES},
    projection::Projection,
    render::Renderer,
    seed::Seed,
};

mod expression;
mod naive;

use naive::NaiveRow;

/// Rows of a set, as the filter and as the naive evaluator read them.
struct Sample {
    set: &'static EntitySet,
    rows: Vec<(Row<'static>, NaiveRow)>,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.set.name)
    }
}

/// How many rows of a set are looked at, taken from all over it.
const ROWS: usize = 600;
/// How many of them one expression is tried on.
const TRIES: usize = 6;

static HEADERS: LazyLock<Sample> = LazyLock::new(|| sample(1, "A_PurchaseOrder"));
static ITEMS: LazyLock<Sample> = LazyLock::new(|| sample(0, "I_PurchaseOrderItem"));

fn sample(service: usize, name: &str) -> Sample {
    let set = SERVICES[service].set(name).unwrap();
    let seed = Seed::shared();
    let renderer = Renderer {
        service_url: String::new(),
        namespace: "",
        seed,
    };
    let everything = Projection::parse(None, "", set).unwrap();
    let rows = (set.rows)(seed, None);
    let rows = (0..ROWS)
        .map(|at| {
            let row = rows[at * rows.len() / ROWS];
            let shown = renderer.entity(set, &row, &everything);
            (row, NaiveRow::read(set, &shown["d"]))
        })
        .collect();
    Sample { set, rows }
}

/// With a tenth of it, a wrong precedence stays unseen.
const LEAST_CASES: u32 = 4_000;

fn config() -> ProptestConfig {
    // What the environment says, or proptest's own default.
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: asked.cases.max(LEAST_CASES),
        // A failing case is printed; the tree stays clean.
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        ..asked
    }
}

/// Words that the grammar knows, and some that only look like it.
fn soup() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "PurchaseOrder",
        "PurchaseOrderDate",
        "CashDiscount1Days",
        "ReleaseIsNotCompleted",
        "Colour",
        "to_PurchaseOrderItem/Material",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "and",
        "or",
        "not",
        "add",
        "sub",
        "mul",
        "div",
        "mod",
        "-",
        "(",
        ")",
        ",",
        "'",
        "''",
        "'a'",
        "'O''Connor'",
        "0",
        "1",
        "-1",
        "1.5M",
        "2e3",
        "9e99",
        "1e-30",
        "79228162514264337593543950335",
        "5L",
        "1.",
        ".5",
        "1.5.5",
        "1.5d",
        "true",
        "false",
        "null",
        "datetime'2025-08-01T00:00:00'",
        "datetime'9999-99-99T00:00'",
        "datetimeoffset'2025-01-01T00:00:00+14:00'",
        "datetimeoffset'0001-01-01T00:00:00+14:00'",
        "time'PT8H'",
        "time'PT'",
        "time'P1D'",
        "X'0aff'",
        "X'0'",
        "guid'123e4567-e89b-12d3-a456-426614174000'",
        "guid''",
        "substringof(",
        "startswith(",
        "endswith(",
        "tolower(",
        "toupper(",
        "trim(",
        "concat(",
        "replace(",
        "length(",
        "indexof(",
        "substring(",
        "year(",
        "month(",
        "hour(",
        "round(",
        "floor(",
        "ceiling(",
        "isof(",
        "ß",
        "İ",
        "ΑΣ",
        "\u{200f}",
        "\u{0}",
        "%27",
        "+",
        "&",
        ";",
    ];
    let word = prop_oneof![
        8 => proptest::sample::select(WORDS).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    let space = proptest::sample::select(&[" ", " ", "", "  "][..]);
    prop::collection::vec((word, space), 0..40).prop_map(|words| {
        words
            .into_iter()
            .flat_map(|(word, space)| [word, space.to_owned()])
            .collect()
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![soup(), "\\PC{0,120}", any::<String>()], row in any::<Index>()) {
        if let Ok(filter) = Filter::parse(&text, HEADERS.set) {
            let (row, _) = &HEADERS.rows[row.index(ROWS)];
            filter.accepts(row);
        }
    }

    #[test]
    fn a_well_typed_filter_means_what_it_says(
        (sample, expression) in prop_oneof![
            expression::boolean(HEADERS.set).prop_map(|e| (&*HEADERS, e)),
            expression::boolean(ITEMS.set).prop_map(|e| (&*ITEMS, e)),
        ],
        rows in prop::collection::vec(any::<Index>(), TRIES),
    ) {
        let text = expression.to_string();
        let filter = Filter::parse(&text, sample.set).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let index = sample.set.index.unwrap();
        for row in rows {
            let (row, naive) = &sample.rows[row.index(ROWS)];
            // None where the exact result has more digits than a decimal keeps.
            let Some(expected) = naive::holds(&expression, naive) else {
                return Err(TestCaseError::reject("too many digits"));
            };
            prop_assert_eq!(filter.accepts(row), expected, "{}", text);
            if let Some(wanted) = filter.required_text(index) {
                prop_assert!(!expected || naive.text(index) == wanted, "{} is short-cut to {}", text, wanted);
            }
        }
    }
}
