//! `API_MATERIAL_STOCK_SRV`: the released service for stock, complete but for serial numbers.

use super::{
    Annotation, EntitySet, Multiplicity, Navigation, Property, Row, Service, decimal, properties,
    string,
};
use crate::services::sap::{seed::Seed, value::Value};

pub(super) static SERVICE: Service = Service {
    name: "API_MATERIAL_STOCK_SRV",
    component: "MM-IM-GF",
    sets: &[&RECORD, &MATERIAL],
};

static RECORD: EntitySet = EntitySet {
    name: "A_MatlStkInAcctMod",
    type_name: "A_MatlStkInAcctModType",
    label: "Material Stock",
    key: &[
        "Material",
        "Plant",
        "StorageLocation",
        "Batch",
        "Supplier",
        "Customer",
        "WBSElementInternalID",
        "SDDocument",
        "SDDocumentItem",
        "InventorySpecialStockType",
        "InventoryStockType",
    ],
    properties: RECORD_PROPERTIES,
    navigations: &[Navigation {
        name: "to_MaterialStock",
        target: &MATERIAL,
        multiplicity: Multiplicity::One,
        rows: |seed, row| materials(seed, Some(&row.stock().material)),
    }],
    aggregate: false,
    searchable: &[],
    index: Some("Material"),
    rows: records,
};

static MATERIAL: EntitySet = EntitySet {
    name: "A_MaterialStock",
    type_name: "A_MaterialStockType",
    label: "Material",
    key: &["Material"],
    properties: MATERIAL_PROPERTIES,
    navigations: &[Navigation {
        name: "to_MatlStkInAcctMod",
        target: &RECORD,
        multiplicity: Multiplicity::Many,
        rows: |seed, row| records(seed, Some(&row.stock().material)),
    }],
    aggregate: false,
    searchable: &[],
    index: Some("Material"),
    rows: materials,
};

fn records<'a>(seed: &'a Seed, material: Option<&str>) -> Vec<Row<'a>> {
    seed.stock
        .iter()
        .filter(|record| material.is_none_or(|material| record.material == material))
        .map(Row::Stock)
        .collect()
}

/// The first record of every material stands for it.
fn materials<'a>(seed: &'a Seed, material: Option<&str>) -> Vec<Row<'a>> {
    let mut rows = records(seed, material);
    rows.dedup_by_key(|row| &row.stock().material);
    rows
}

use Annotation::{NonNegative, Unit, UnitOfMeasure, UpperCase};

properties! {
    RECORD_PROPERTIES:
    Material string(40), "Material", UpperCase, |row| Value::text(&row.stock().material);
    Plant string(4), "Plant", UpperCase, |row| Value::text(row.stock().plant);
    StorageLocation string(4), "Storage Location", UpperCase, |row| Value::text(row.stock().storage_location);
    Batch string(10), "Batch", UpperCase, |_| Value::text("");
    Supplier string(10), "Supplier", UpperCase, |row| Value::text(row.stock().supplier);
    Customer string(10), "Customer", UpperCase, |_| Value::text("");
    WBSElementInternalID string(8), "WBS Element", NonNegative, |row| Value::text(row.stock().project);
    SDDocument string(10), "SD Document", UpperCase, |row| Value::text(row.stock().sales_order);
    SDDocumentItem string(6), "SD Document Item", NonNegative, |row| Value::text(row.stock().sales_order_item);
    InventorySpecialStockType string(1), "Special Stock Type", UpperCase, |row| Value::text(row.stock().special);
    InventoryStockType string(2), "Stock Type", UpperCase, |row| Value::text(row.stock().stock_type);
    WBSElementExternalID string(24), "WBS Element", UpperCase, |row| Value::text(row.stock().project_name);
    MaterialBaseUnit string(3), "Base Unit of Measure", UnitOfMeasure, |row| Value::text(row.stock().unit);
    MatlWrhsStkQtyInMatlBaseUnit decimal(31, 14), "Stock Quantity", Unit("MaterialBaseUnit"), |row| Value::Number(row.stock().quantity);
}

properties! {
    MATERIAL_PROPERTIES:
    Material string(40), "Material", UpperCase, |row| Value::text(&row.stock().material);
    MaterialBaseUnit string(3), "Base Unit of Measure", UnitOfMeasure, |row| Value::text(row.stock().unit);
}
