//! Sums in the answers against sums made independently, in whole thousandths, for orders and stock drawn at random.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    prop_assert_eq, proptest,
    sample::select,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Tool,
    get_complete_po_data::GetCompletePoData,
    get_goods_receipts::GetGoodsReceipts,
    get_material_in_transit::GetMaterialInTransit,
    get_material_stock::GetMaterialStock,
    get_open_purchase_orders::GetOpenPurchaseOrders,
    testing::{World, key, line, order, record},
};
use crate::source::{Line, Order, Receipt};

/// Two with two decimals, one without any, one with three.
const CURRENCIES: [&str; 4] = ["USD", "EUR", "JPY", "KWD"];
const UNITS: [&str; 3] = ["EA", "KG", "BOX"];
const MATERIALS: [&str; 4] = ["MZ-A", "MZ-B", "MZ-C", ""];
const PLANTS: [&str; 2] = ["1710", "1720"];
const STOCK_TYPES: [&str; 4] = ["01", "02", "07", "04"];

#[derive(Debug, Clone)]
struct DrawnOrder {
    currency: &'static str,
    deleted: bool,
    on_hold: bool,
    items: Vec<DrawnItem>,
}

#[derive(Debug, Clone)]
struct DrawnItem {
    material: &'static str,
    unit: &'static str,
    /// Thousandths.
    quantity: i64,
    received: i64,
    /// Net price of one unit, thousandths.
    price: i64,
    delivered: bool,
    deleted: bool,
    returns: bool,
    goods_receipt_expected: bool,
}

impl DrawnItem {
    fn is_active(&self) -> bool {
        !self.deleted && !self.returns
    }

    /// Thousandths.
    fn open(&self) -> i64 {
        let counts = self.is_active() && self.goods_receipt_expected && !self.delivered;
        if counts {
            (self.quantity - self.received).max(0)
        } else {
            0
        }
    }
}

fn items() -> impl Strategy<Value = Vec<DrawnItem>> {
    // Mostly false: an order whose items are all deleted tests little.
    let rarely = || prop_oneof![4 => Just(false), 1 => Just(true)];
    let item = (
        (select(&MATERIALS[..]), select(&UNITS[..])),
        (1..2_000_000_i64, 0..2_000_000_i64, 0..50_000_000_i64),
        (rarely(), rarely(), rarely(), rarely()),
    );
    let item = item.prop_map(
        |((material, unit), (quantity, received, price), flags)| DrawnItem {
            material,
            unit,
            quantity,
            received,
            price,
            delivered: flags.0,
            deleted: flags.1,
            returns: flags.2,
            goods_receipt_expected: !flags.3,
        },
    );
    vec(item, 0..6)
}

fn orders() -> impl Strategy<Value = Vec<DrawnOrder>> {
    let rarely = || prop_oneof![6 => Just(false), 1 => Just(true)];
    let order = (select(&CURRENCIES[..]), rarely(), rarely(), items());
    let order = order.prop_map(|(currency, deleted, on_hold, items)| DrawnOrder {
        currency,
        deleted,
        on_hold,
        items,
    });
    vec(order, 1..8)
}

fn thousandths(value: i64) -> Decimal {
    Decimal::new(value, 3)
}

fn world(drawn: &[DrawnOrder]) -> World {
    let mut world = World::empty();
    for (number, drawn) in (1..).zip(drawn) {
        world.orders.push(Order {
            currency: drawn.currency.to_owned(),
            deleted: drawn.deleted,
            on_hold: drawn.on_hold,
            ..order(number)
        });
        for (position, item) in (1..).zip(&drawn.items) {
            let line = Line {
                unit: item.unit.to_owned(),
                quantity: thousandths(item.quantity),
                price: thousandths(item.price),
                net_amount: thousandths(item.price) * thousandths(item.quantity),
                currency: drawn.currency.to_owned(),
                delivered: item.delivered,
                deleted: item.deleted,
                returns: item.returns,
                goods_receipt_expected: item.goods_receipt_expected,
                ..line(number, position * 10, item.material)
            };
            world.add(line, &thousandths(item.received).to_string(), None);
        }
    }
    world
}

fn ask(world: &World, tool: &dyn Tool, arguments: Value) -> Value {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(world.ask(tool, arguments))
}

/// A decimal text in millionths; independent of the decimal type.
fn millionths(text: &Value) -> i128 {
    let text = text.as_str().unwrap();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: i128 = format!("{whole}{fraction:0<6}").parse().unwrap();
    assert!(fraction.len() <= 6, "{text}");
    digits
}

/// `[{"<name>": ..., "<value>": "..."}]` as a map, without zeros.
fn sums(list: &Value, name: &str, value: &str) -> BTreeMap<String, i128> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|sum| {
            (
                sum[name].as_str().unwrap().to_owned(),
                millionths(&sum[value]),
            )
        })
        .filter(|(_, sum)| *sum != 0)
        .collect()
}

fn without_zeros<K: Ord>(sums: BTreeMap<K, i128>) -> BTreeMap<K, i128> {
    sums.into_iter().filter(|(_, sum)| *sum != 0).collect()
}

proptest! {
    #[test]
    fn open_amounts_are_summed_by_currency(drawn in orders()) {
        let answer = ask(&world(&drawn), &GetOpenPurchaseOrders, json!({"limit": 100}));
        let mut expected: BTreeMap<String, i128> = BTreeMap::new();
        let mut open_items = 0;
        for order in drawn.iter().filter(|order| !order.deleted && !order.on_hold) {
            for item in order.items.iter().filter(|item| item.open() > 0) {
                open_items += 1;
                *expected.entry(order.currency.to_owned()).or_default() +=
                    i128::from(item.open()) * i128::from(item.price);
            }
        }
        let totals = &answer["totals"];
        prop_assert_eq!(sums(&totals["open_net_amount"], "currency", "amount"), without_zeros(expected.clone()));
        prop_assert_eq!(&totals["open_items"], &json!(open_items));
        let mut listed: BTreeMap<String, i128> = BTreeMap::new();
        for order in answer["orders"].as_array().unwrap() {
            *listed.entry(order["currency"].as_str().unwrap().to_owned()).or_default() +=
                millionths(&order["open_net_amount"]);
        }
        prop_assert_eq!(listed, expected);
    }

    #[test]
    fn open_quantities_are_summed_by_material_and_unit(drawn in orders()) {
        let answer = ask(&world(&drawn), &GetMaterialInTransit, json!({"limit": 200}));
        let mut expected: BTreeMap<(Option<String>, String), i128> = BTreeMap::new();
        for order in drawn.iter().filter(|order| !order.deleted && !order.on_hold) {
            for item in order.items.iter().filter(|item| item.open() > 0) {
                let material = (!item.material.is_empty()).then(|| item.material.to_owned());
                *expected.entry((material, item.unit.to_owned())).or_default() += i128::from(item.open()) * 1_000;
            }
        }
        let mut actual: BTreeMap<(Option<String>, String), i128> = BTreeMap::new();
        for row in answer["materials"].as_array().unwrap() {
            let material = row["material"].as_str().map(str::to_owned);
            for (unit, sum) in sums(&row["open"], "unit", "quantity") {
                actual.insert((material.clone(), unit), sum);
            }
        }
        prop_assert_eq!(actual, expected);
    }

    #[test]
    fn an_order_is_summed_by_unit_without_deleted_and_returned_items(drawn in orders()) {
        let world = world(&drawn);
        for (number, order) in (1_u32..).zip(&drawn) {
            let answer = ask(&world, &GetCompletePoData, json!({"po_number": key(number, 10).order}));
            let mut quantities: BTreeMap<String, i128> = BTreeMap::new();
            let mut amount = 0;
            for item in order.items.iter().filter(|item| item.is_active()) {
                *quantities.entry(item.unit.to_owned()).or_default() += i128::from(item.quantity) * 1_000;
                amount += i128::from(item.price) * i128::from(item.quantity);
            }
            let summary = &answer["summary"];
            prop_assert_eq!(sums(&summary["total_quantity"], "unit", "quantity"), quantities);
            prop_assert_eq!(millionths(&summary["total_net_amount"]), amount);
        }
    }

    #[test]
    fn receipts_are_netted_by_unit(
        movements in vec((select(&UNITS[..]), 0..5_000_000_i64, any::<bool>(), 1_u32..4), 0..20)
    ) {
        let mut world = World::empty();
        world.orders.push(order(1));
        let mut expected: BTreeMap<String, i128> = BTreeMap::new();
        for (document, (unit, quantity, incoming, item)) in movements.into_iter().enumerate() {
            let sign = if incoming { 1 } else { -1 };
            *expected.entry(unit.to_owned()).or_default() += sign * i128::from(quantity) * 1_000;
            world.receipts.push(Receipt {
                document: format!("50{document:08}"),
                year: "2025".to_owned(),
                item: "0001".to_owned(),
                key: key(1, item * 10),
                material: None,
                plant: None,
                storage_location: None,
                movement_type: if incoming { "101" } else { "122" }.to_owned(),
                quantity: thousandths(quantity),
                unit: unit.to_owned(),
                posting_date: None,
                cancelled: false,
                reverses: None,
                incoming,
            });
        }
        let answer = ask(&world, &GetGoodsReceipts, json!({"po_number": key(1, 10).order}));
        prop_assert_eq!(sums(&answer["net_received"], "unit", "quantity"), without_zeros(expected.clone()));
        let mut by_item: BTreeMap<String, i128> = BTreeMap::new();
        for item in answer["net_received_by_item"].as_array().into_iter().flatten() {
            for (unit, sum) in sums(&item["quantity"], "unit", "quantity") {
                *by_item.entry(unit).or_default() += sum;
            }
        }
        prop_assert_eq!(without_zeros(by_item), without_zeros(expected));
    }

    #[test]
    fn stock_is_summed_by_material_plant_and_type(
        records in vec(
            (select(&MATERIALS[..3]), select(&PLANTS[..]), 0..3_u8, select(&STOCK_TYPES[..]), any::<bool>(), -5_000..5_000_000_i64),
            0..30,
        )
    ) {
        let mut world = World::empty();
        let mut expected: BTreeMap<(String, String), [i128; 5]> = BTreeMap::new();
        for (material, plant, location, stock_type, special, quantity) in records {
            let location = format!("{location:04}");
            let kind = [stock_type, if special { "K" } else { "" }];
            let quantity_text = thousandths(quantity).to_string();
            world.stock.push(record(material, [plant, &location], kind, "EA", &quantity_text));
            let level = if special {
                4
            } else {
                STOCK_TYPES.iter().position(|known| *known == stock_type).unwrap()
            };
            expected.entry((material.to_owned(), plant.to_owned())).or_default()[level] += i128::from(quantity) * 1_000;
        }
        let answer = ask(&world, &GetMaterialStock, json!({}));
        let names = ["unrestricted", "quality_inspection", "blocked", "other", "special_stock"];
        let mut actual: BTreeMap<(String, String), [i128; 5]> = BTreeMap::new();
        for row in answer["stock"].as_array().unwrap() {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            actual.insert((text("material"), text("plant")), names.map(|name| millionths(&row[name])));
            prop_assert_eq!(&row["low"], &json!(millionths(&row["unrestricted"]) < 10_000_000));
        }
        prop_assert_eq!(actual, expected);
    }
}
