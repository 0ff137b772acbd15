//! `dataset generate`: figures and dates that follow from the data, so that nobody copies them by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eval_suite::dataset::{Case, Fact, SourceKind};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::file::DatasetFile;
use super::sap::{Order, Sap};
use crate::cli::Context;
use crate::exit::Exit;
use crate::output::Format;

/// What `source.reference` begins with.
const REFERENCE: &str = "sap:purchase_order/";
/// ISO 4217 currencies of this list have no decimals, those of the next three, all others two.
const WITHOUT_DECIMALS: [&str; 6] = ["JPY", "KRW", "CLP", "VND", "ISK", "PYG"];
const THREE_DECIMALS: [&str; 6] = ["KWD", "BHD", "OMR", "JOD", "TND", "IQD"];

/// Arguments of `dataset generate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The files [default: all of datasets/]
    files: Vec<PathBuf>,
    /// Say which expectations do not follow from the data
    #[arg(long, required_unless_present = "write", conflicts_with = "write")]
    check: bool,
    /// Write what follows from the data into the files
    #[arg(long)]
    write: bool,
}

/// Runs `dataset generate`.
pub(super) async fn run(args: &Args, ctx: &Context) -> anyhow::Result<Exit> {
    let mut files = Vec::new();
    for path in super::files(&args.files, ctx)? {
        files.push((ctx.config.paths.shown(&path), DatasetFile::load(&path)?));
    }
    let environment = ctx.open_environment().await?;
    let sap = Sap::of(&environment).await?;
    let mut orders: BTreeMap<String, Option<Order>> = BTreeMap::new();
    let (mut generated, mut differing) = (0, Vec::new());
    for (shown, file) in &mut files {
        let lines = file.line_numbers();
        let mut new_facts: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
        let cases = file.dataset.cases.iter();
        for case in cases.filter(|case| {
            case.source
                .as_ref()
                .is_some_and(|source| source.kind == SourceKind::Generated)
        }) {
            generated += 1;
            let facts = match number(case) {
                Ok(number) => {
                    if !orders.contains_key(number) {
                        orders.insert(number.to_owned(), sap.order(number).await?);
                    }
                    match orders.get(number) {
                        Some(Some(order)) => facts(order, &case.tags),
                        _ => Err(format!("source.reference: SAP has no order {number}")),
                    }
                }
                Err(problem) => Err(problem),
            };
            let (problem, repairable) = match facts {
                Ok(facts) if facts == case.expected.facts => continue,
                Ok(facts) => {
                    let (said, derived) = (texts(&case.expected.facts), texts(&facts));
                    let problem = if said == derived {
                        format!(
                            "expected.facts: {said} has other spellings, or another fact is critical, than derived"
                        )
                    } else {
                        format!("expected.facts: the case says {said}, the data say {derived}")
                    };
                    new_facts.insert(case.id.clone(), facts);
                    (problem, true)
                }
                Err(problem) => (problem, false),
            };
            let line = lines.get(&case.id).copied().unwrap_or_default();
            differing.push((
                format!("{shown}:{line}: {}: {problem}", case.id),
                repairable,
            ));
        }
        if args.write && !new_facts.is_empty() {
            file.change(|case| {
                let facts = case["id"].as_str().and_then(|id| new_facts.get(id));
                let Some(facts) = facts else { return false };
                case["expected"]["facts"] = facts.iter().map(written).collect();
                true
            });
            file.save()?;
        }
    }
    let open = differing
        .iter()
        .filter(|(_, repairable)| !(args.write && *repairable))
        .count();
    let problems: Vec<&str> = differing
        .iter()
        .map(|(problem, _)| problem.as_str())
        .collect();
    let verb = if args.write {
        "rewritten"
    } else {
        "to be rewritten"
    };
    ctx.console.data(&match ctx.console.format() {
        Format::Json => json!({
            "version": 1, "environment": environment.name, "generated": generated, "differing": problems, "open": open,
        })
        .to_string(),
        Format::Human => {
            let summary = format!("{generated} generated cases, {} {verb}", problems.len());
            problems.iter().map(|problem| (*problem).to_owned()).chain([summary]).collect::<Vec<_>>().join("\n")
        }
    });
    Ok(if open == 0 { Exit::Done } else { Exit::Gate })
}

/// A fact as people write it: without what is a default.
fn written(fact: &Fact) -> Value {
    let mut value = json!(fact);
    if let Some(fields) = value.as_object_mut().filter(|_| !fact.critical) {
        fields.shift_remove("critical");
    }
    value
}

fn texts(facts: &[Fact]) -> String {
    let texts: Vec<&str> = facts.iter().map(|fact| fact.text.as_str()).collect();
    if texts.is_empty() {
        "nothing".to_owned()
    } else {
        format!("`{}`", texts.join("`, `"))
    }
}

/// The order's number, which the expected calls must ask for, too.
fn number(case: &Case) -> Result<&str, String> {
    let reference = case
        .source
        .as_ref()
        .and_then(|source| source.reference.as_deref())
        .unwrap_or_default();
    let number = reference
        .strip_prefix(REFERENCE)
        .filter(|number| number.len() == 10 && number.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| {
            format!("source.reference: expected {REFERENCE} and ten digits, not `{reference}`")
        })?;
    let calls = &case.expected.tool_arguments;
    let other = calls
        .iter()
        .filter_map(|call| call.arguments.get("po_number"))
        .find(|asked| *asked != number);
    match other {
        Some(other) => Err(format!(
            "expected.tool_arguments: asks for {other}, expected {number}"
        )),
        None => Ok(number),
    }
}

/// One fact a tag, in the order of the tags; the first is critical.
fn facts(order: &Order, tags: &[String]) -> Result<Vec<Fact>, String> {
    let lines = tags
        .iter()
        .filter_map(|tag| tag.strip_prefix("line_")?.parse::<u32>().ok());
    let tagged = lines
        .map(|number| {
            order
                .lines
                .iter()
                .find(|line| line.number == number)
                .ok_or_else(|| format!("tags: the order has no line {number}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let line = |tag: &str| match tagged[..] {
        [line] => Ok(line),
        _ => Err(format!(
            "tags: `{tag}` needs exactly one line_<n> beside it"
        )),
    };
    let mut facts: Vec<Fact> = Vec::new();
    for tag in tags {
        let amount = |value: Decimal| {
            fact(
                &money(value, &order.currency),
                &format!(" {}", order.currency),
            )
        };
        let active = || order.lines.iter().filter(|line| line.is_active);
        facts.push(match tag.as_str() {
            "total" => amount(active().map(|line| line.net).sum()),
            "total_quantity" => {
                let mut units: Vec<&str> = active().map(|line| line.unit.as_str()).collect();
                units.dedup();
                let [unit] = units[..] else {
                    return Err(
                        "tags: total_quantity: the lines have several units, which do not add up"
                            .into(),
                    );
                };
                fact(
                    &grouped(active().map(|line| line.quantity).sum()),
                    &format!(" {unit}"),
                )
            }
            "item_count" => fact(&order.lines.len().to_string(), " items"),
            "undelivered_count" => fact(
                &active()
                    .filter(|line| !line.is_delivered)
                    .count()
                    .to_string(),
                " open",
            ),
            "order_date" => fact(&order.order_date.to_string(), ""),
            "creation_date" => fact(&order.creation_date.to_string(), ""),
            "company_code" => fact(&order.company_code, ""),
            "price" => amount(line(tag)?.price),
            "line_net" => amount(line(tag)?.net),
            "price_unit" => fact(&grouped(line(tag)?.price_unit), " units"),
            "line_quantity" => fact(
                &grouped(line(tag)?.quantity),
                &format!(" {}", line(tag)?.unit),
            ),
            _ => continue,
        });
    }
    match facts.first_mut() {
        Some(first) => first.critical = true,
        None => {
            return Err("tags: none names a figure or a date, expected total, total_quantity, item_count, undelivered_count, order_date, creation_date, company_code, or line_<n> with price, price_unit, line_quantity or line_net".into());
        }
    }
    Ok(facts)
}

/// What is shown has the unit, what is looked for has not: a currency stands before or after, or as a sign.
fn fact(value: &str, unit: &str) -> Fact {
    // In a fact three digits behind a lone point are read as thousands, so a fourth says that they are decimals.
    let decimals = value.split_once('.').map(|(_, decimals)| decimals.len());
    let spelling = match decimals {
        Some(3) if !value.contains(',') => format!("{value}0"),
        _ => value.to_owned(),
    };
    Fact {
        text: format!("{value}{unit}"),
        any_of: if unit.is_empty() {
            Vec::new()
        } else {
            vec![spelling]
        },
        critical: false,
    }
}

fn money(amount: Decimal, currency: &str) -> String {
    let decimals = if WITHOUT_DECIMALS.contains(&currency) {
        0
    } else if THREE_DECIMALS.contains(&currency) {
        3
    } else {
        2
    };
    let mut amount = amount.normalize();
    // Never fewer digits than the data have: a fact is not rounded.
    amount.rescale(amount.scale().max(decimals));
    with_commas(&amount.to_string())
}

fn grouped(number: Decimal) -> String {
    with_commas(&number.normalize().to_string())
}

/// English notation: a comma every three digits before the point.
fn with_commas(number: &str) -> String {
    let (whole, decimals) = number
        .split_once('.')
        .map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let after = whole.len() - index;
        if index > 0 && after.is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    match decimals {
        Some(decimals) => format!("{text}.{decimals}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;
    use crate::dataset::sap::Line;

    fn order() -> Order {
        let line = |number, quantity: &str, price: &str, net: &str, is_active| Line {
            number,
            quantity: quantity.parse().unwrap(),
            unit: "EA".into(),
            price: price.parse().unwrap(),
            price_unit: "100".parse().unwrap(),
            net: net.parse().unwrap(),
            is_delivered: number == 10,
            is_active,
        };
        Order {
            currency: "USD".into(),
            company_code: "1710".into(),
            order_date: date!(2019 - 10 - 21),
            creation_date: date!(2019 - 10 - 20),
            lines: vec![
                line(10, "25000.000", "4.200", "1050.000", true),
                line(20, "1250.500", "1.150", "1208186.005", true),
                line(30, "7.000", "1.000", "7.000", false),
            ],
        }
    }

    #[track_caller]
    fn check(tags: &[&str], expected: Result<&str, &str>) {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let found = facts(&order(), &tags).map(|facts| texts(&facts));
        assert_eq!(
            found.as_deref().map_err(String::as_str),
            expected,
            "{tags:?}"
        );
    }

    #[test]
    fn tags_become_facts() {
        check(&["header", "total"], Ok("`1,209,236.005 USD`"));
        check(
            &["line_10", "price", "price_unit"],
            Ok("`4.20 USD`, `100 units`"),
        );
        check(
            &["line_20", "line_quantity", "line_net"],
            Ok("`1,250.5 EA`, `1,208,186.005 USD`"),
        );
        check(
            &["order_date", "creation_date", "company_code"],
            Ok("`2019-10-21`, `2019-10-20`, `1710`"),
        );
        check(
            &["total_quantity", "item_count", "undelivered_count"],
            Ok("`26,250.5 EA`, `3 items`, `1 open`"),
        );
        check(
            &["price"],
            Err("tags: `price` needs exactly one line_<n> beside it"),
        );
        check(&["line_90", "price"], Err("tags: the order has no line 90"));
        let none = facts(&order(), &["header".to_owned()]).unwrap_err();
        assert!(
            none.starts_with("tags: none names a figure or a date, expected total"),
            "{none}"
        );
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (amount, currency, expected) in [
            ("1300500.000", "JPY", "1,300,500"),
            ("12.500", "KWD", "12.500"),
            ("0.000", "USD", "0.00"),
            ("-1234.500", "EUR", "-1,234.50"),
            ("999.990", "ILS", "999.99"),
        ] {
            assert_eq!(
                money(amount.parse().unwrap(), currency),
                expected,
                "{amount} {currency}"
            );
        }
    }

    /// What is looked for must be found in an answer that gives the figure as SAP does.
    #[test]
    fn spellings_are_found() {
        for (value, answer) in [
            ("185.625", "It is 185.625 KWD."),
            ("1,234.500", "It is 1,234.500 KWD."),
            ("1,300,500", "It is 1,300,500 JPY."),
            ("137.25", "It is 137.25 M."),
        ] {
            let fact = fact(value, " X");
            let found = eval_suite::text::contains(
                answer,
                eval_suite::dataset::Language::En,
                &fact.any_of[0],
            );
            assert!(found, "{:?} in {answer}", fact.any_of);
        }
    }

    #[test]
    fn the_reference_and_the_calls_name_one_order() {
        let check = |reference: &str, asked: &str, expected: Result<&str, &str>| {
            let case: Case = serde_json::from_value(json!({
                "id": "x", "input": "?", "language": "en", "category": "happy",
                "expected": {"facts": [], "tool_arguments": [{"tool": "t", "arguments": {"po_number": asked}}]},
                "source": {"kind": "generated", "reference": reference},
            }))
            .unwrap();
            assert_eq!(number(&case), expected.map_err(str::to_owned));
        };
        check(
            "sap:purchase_order/4500000520",
            "4500000520",
            Ok("4500000520"),
        );
        check(
            "sap:purchase_order/4500000520",
            "4500000521",
            Err("expected.tool_arguments: asks for \"4500000521\", expected 4500000520"),
        );
        check(
            "4500000520",
            "4500000520",
            Err("source.reference: expected sap:purchase_order/ and ten digits, not `4500000520`"),
        );
    }
}
