//! What tags say about the orders that a search finds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    claim::{Claim, Claims, Problem},
    order::day,
};
use crate::sap::{Sap, results};

/// The claims that the tags make about the orders with `term` in `field`.
///
/// # Errors
/// When nothing is found, or the newest order is not one.
pub(super) async fn claims(
    term: &str,
    field: Option<&str>,
    tags: &[String],
    sap: &Sap,
) -> Result<Claims, Problem> {
    let hits = hits(term, field.unwrap_or("all"), sap).await;
    if hits.is_empty() {
        return Err(format!("nothing is found with {term}"));
    }
    let mut claims = Claims::default();
    for tag in tags {
        let claim = match tag.as_str() {
            // Up to ten is also said in a word, beside the digits.
            "search_count" => Claim {
                in_words: hits.len() <= 10,
                ..Claim::number(hits.len())
            },
            "search_newest" => newest(&hits)?,
            "search_list" => Claim::list(
                hits.keys()
                    .map(|number| Claim::number(number.parse::<u64>().unwrap()))
                    .collect(),
            ),
            "search_supplier" => {
                let of = |property: &str| {
                    hits.values()
                        .map(|hit| hit[property].as_str().unwrap().to_owned())
                        .collect::<Vec<_>>()
                };
                Claim {
                    texts: [of("Supplier"), of("SupplierName")].concat(),
                    ..Claim::default()
                }
            }
            "ambiguous" => Claim {
                optional: true,
                ..Claim::default()
            },
            _ => continue,
        };
        claims.insert(tag, claim);
    }
    Ok(claims)
}

/// Headers of the orders found, by number.
async fn hits(term: &str, field: &str, sap: &Sap) -> BTreeMap<String, Value> {
    let quoted = term.replace('\'', "''").replace('&', "%26");
    let contains = |property: &str| format!("substringof('{quoted}',{property})");
    let in_header = match field {
        "po_number" => Some(contains("PurchaseOrder")),
        "supplier" => Some(format!(
            "{} or {}",
            contains("Supplier"),
            contains("SupplierName")
        )),
        "all" => Some(format!(
            "{} or {} or {}",
            contains("PurchaseOrder"),
            contains("Supplier"),
            contains("SupplierName")
        )),
        _ => None,
    };
    let mut found = BTreeMap::new();
    let mut keep = |header: &Value| {
        found.insert(
            header["PurchaseOrder"].as_str().unwrap().to_owned(),
            header.clone(),
        );
    };
    if let Some(filter) = in_header {
        let answer = sap
            .json(&format!("C_PurchaseOrderFs?$top=5000&$filter={filter}"))
            .await;
        results(&answer).iter().for_each(&mut keep);
    }
    if matches!(field, "material" | "all") {
        let filter = format!(
            "{} or {}",
            contains("Material"),
            contains("PurchaseOrderItemText")
        );
        let answer = sap
            .json(&format!(
                "I_PurchaseOrderItem?$top=5000&$select=PurchaseOrder&$filter={filter}"
            ))
            .await;
        for item in results(&answer) {
            let number = item["PurchaseOrder"].as_str().unwrap();
            keep(&sap.json(&format!("C_PurchaseOrderFs('{number}')")).await["d"]);
        }
    }
    found
}

/// The one order with the latest date, which must also have the highest number: either may be called the newest.
fn newest(hits: &BTreeMap<String, Value>) -> Result<Claim, Problem> {
    let dates: Vec<(String, &String)> = hits
        .iter()
        .map(|(number, hit)| (day(hit, "PurchaseOrderDate"), number))
        .collect();
    let (date, number) = dates.iter().max().ok_or("nothing is found")?;
    let alone = dates.iter().filter(|(other, _)| other == date).count() == 1;
    if !alone || hits.keys().max() != Some(number) {
        return Err(format!("{number} of {date} is not the only newest order"));
    }
    Ok(Claim {
        numbers: vec![number.parse().unwrap()],
        texts: vec![date.clone()],
        ..Claim::default()
    })
}
