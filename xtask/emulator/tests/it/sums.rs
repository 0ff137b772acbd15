//! What the tools add up equals what SAP's own rows add up to.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::attack::{Target, secret};

/// Sums by currency or unit.
type Sums = BTreeMap<String, Decimal>;

/// Every row of a set, page by page, asked for as the function's user.
async fn rows(target: &Target, path: &str) -> Vec<Value> {
    let password = secret(&target.test, "sap");
    let mut url = format!("{}/sap/opu/odata/sap/{path}", target.test.url());
    let mut rows = Vec::new();
    // The largest set has 11 pages of 1,000.
    for _ in 0..20 {
        let answer = target.http.get(&url).basic_auth("DEMO", Some(&password));
        let page: Value = answer.send().await.unwrap().json().await.unwrap();
        rows.extend(page["d"]["results"].as_array().unwrap().iter().cloned());
        match page["d"]["__next"].as_str() {
            Some(next) => url = next.to_owned(),
            None => return rows,
        }
    }
    panic!("{path} has no end");
}

fn sums(rows: &[Value], key: &str, amount: &str) -> Sums {
    let mut sums = Sums::new();
    for row in rows {
        let value: Decimal = row[amount].as_str().unwrap().parse().unwrap();
        if !value.is_zero() {
            *sums
                .entry(row[key].as_str().unwrap().to_owned())
                .or_default() += value;
        }
    }
    sums
}

#[tokio::test]
async fn what_is_open_adds_up_to_what_saps_schedule_lines_say() {
    let target = Target::start().await;
    let lines = rows(
        &target,
        "C_PURCHASEORDER_FS_SRV/I_PurchaseOrderScheduleLine?$format=json&$select=PurchaseOrder,\
         OpenPurchaseOrderQuantity,OpenPurchaseOrderNetAmount,DocumentCurrency,PurchaseOrderQuantityUnit",
    )
    .await;

    let answer = target
        .answer("get_open_purchase_orders", json!({"limit": 1}))
        .await;
    let told = answer["totals"]["open_net_amount"]
        .as_array()
        .unwrap()
        .clone();
    let by_currency = sums(&told, "currency", "amount");
    assert!(by_currency.len() >= 3, "{answer}");
    assert_eq!(
        by_currency,
        sums(&lines, "DocumentCurrency", "OpenPurchaseOrderNetAmount")
    );

    let answer = target
        .answer("get_material_in_transit", json!({"limit": 200}))
        .await;
    let materials = answer["materials"].as_array().unwrap();
    assert_eq!(answer["truncated"], false, "{}", answer["note"]);
    let told: Vec<Value> = materials
        .iter()
        .flat_map(|material| material["open"].as_array().unwrap().clone())
        .collect();
    assert_eq!(
        sums(&told, "unit", "quantity"),
        sums(
            &lines,
            "PurchaseOrderQuantityUnit",
            "OpenPurchaseOrderQuantity"
        )
    );
}
