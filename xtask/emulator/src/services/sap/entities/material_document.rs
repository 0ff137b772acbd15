//! `API_MATERIAL_DOCUMENT_SRV`: the released service for goods movements, a selection of its properties.
//!
//! As in SAP, dates and texts of a document are properties of its header alone, and items say nothing of debit and
//! credit: the movement type tells the direction. Documents cannot be posted here.

use super::{
    Annotation, EdmType, EntitySet, Multiplicity, Navigation, Property, Row, Service, decimal,
    documents, movements, movements_of, padded, properties, reversed_document, reversed_item,
    reversed_year, string,
};
use crate::services::sap::value::Value;

pub(super) static SERVICE: Service = Service {
    name: "API_MATERIAL_DOCUMENT_SRV",
    component: "MM-IM-GF",
    sets: &[&HEADER, &ITEM],
};

static HEADER: EntitySet = EntitySet {
    name: "A_MaterialDocumentHeader",
    type_name: "A_MaterialDocumentHeaderType",
    label: "Material Document Header",
    key: &["MaterialDocumentYear", "MaterialDocument"],
    properties: HEADER_PROPERTIES,
    navigations: &[Navigation {
        name: "to_MaterialDocumentItem",
        target: &ITEM,
        multiplicity: Multiplicity::Many,
        rows: |_, row| movements_of(row),
    }],
    aggregate: false,
    searchable: &[],
    index: Some("MaterialDocument"),
    rows: documents,
};

static ITEM: EntitySet = EntitySet {
    name: "A_MaterialDocumentItem",
    type_name: "A_MaterialDocumentItemType",
    label: "Material Document Item",
    key: &[
        "MaterialDocumentYear",
        "MaterialDocument",
        "MaterialDocumentItem",
    ],
    properties: ITEM_PROPERTIES,
    navigations: &[Navigation {
        name: "to_MaterialDocumentHeader",
        target: &HEADER,
        multiplicity: Multiplicity::One,
        rows: |_, row| vec![Row::Document(row.document())],
    }],
    aggregate: false,
    searchable: &[],
    index: Some("MaterialDocument"),
    rows: movements,
};

use Annotation::{NonNegative, None as Plain, Unit, UnitOfMeasure, UpperCase};

properties! {
    HEADER_PROPERTIES:
    MaterialDocumentYear string(4), "Material Doc. Year", NonNegative, |row| Value::text(&row.document().year);
    MaterialDocument string(10), "Material Document", UpperCase, |row| Value::text(&row.document().number);
    InventoryTransactionType string(2), "Trans./Event Type", UpperCase, |row| Value::text(row.document().transaction_type);
    DocumentDate EdmType::Date, "Document Date", Plain, |row| Value::date(row.document().posting_date);
    PostingDate EdmType::Date, "Posting Date", Plain, |row| Value::date(row.document().posting_date);
    CreationDate EdmType::Date, "Entry Date", Plain, |row| Value::date(row.document().creation_date);
    CreationTime EdmType::Time, "Time of Entry", Plain, |row| Value::Time(row.document().creation_time);
    CreatedByUser string(12), "User Name", UpperCase, |row| Value::text(row.document().created_by);
    MaterialDocumentHeaderText string(25), "Document Header Text", Plain, |row| Value::text(row.document().header_text);
    ReferenceDocument string(16), "Reference", UpperCase, |row| Value::text(&row.document().reference);
    GoodsMovementCode string(2), "Goods Movement Code", UpperCase, |_| Value::text("");
}

properties! {
    ITEM_PROPERTIES:
    MaterialDocumentYear string(4), "Material Doc. Year", NonNegative, |row| Value::text(&row.document().year);
    MaterialDocument string(10), "Material Document", UpperCase, |row| Value::text(&row.document().number);
    MaterialDocumentItem string(4), "Material Doc.Item", NonNegative, |row| padded(row.movement().number, 4);
    Material string(40), "Material", UpperCase, |row| Value::text(&row.movement().material);
    Plant string(4), "Plant", UpperCase, |row| Value::text(row.movement().plant);
    StorageLocation string(4), "Storage location", UpperCase, |row| Value::text(row.movement().storage_location);
    Batch string(10), "Batch", UpperCase, |_| Value::text("");
    GoodsMovementType string(3), "Movement Type", UpperCase, |row| Value::text(row.movement().kind);
    InventoryStockType string(2), "Stock Type", UpperCase, |_| Value::text("01");
    InventorySpecialStockType string(1), "Special Stock Type", UpperCase, |_| Value::text("");
    Supplier string(10), "Supplier", UpperCase, |row| Value::text(row.movement().supplier);
    Customer string(10), "Customer", UpperCase, |_| Value::text("");
    PurchaseOrder string(10), "Purchase order", UpperCase, |row| Value::text(&row.movement().order);
    PurchaseOrderItem string(5), "Item", NonNegative, |row| padded(row.movement().order_item, 5);
    GoodsMovementRefDocType string(1), "Goods movement ref doc type", UpperCase, |row| Value::text(if row.movement().line.is_some() { "B" } else { "" });
    MaterialBaseUnit string(3), "Base Unit of Measure", UnitOfMeasure, |row| Value::text(row.movement().unit);
    QuantityInBaseUnit decimal(13, 3), "Quantity", Unit("MaterialBaseUnit"), |row| Value::Number(row.movement().quantity);
    EntryUnit string(3), "Unit of Entry", UnitOfMeasure, |row| Value::text(row.movement().unit);
    QuantityInEntryUnit decimal(13, 3), "Qty in unit of entry", Unit("EntryUnit"), |row| Value::Number(row.movement().quantity);
    FiscalYear string(4), "Fiscal Year", NonNegative, |row| Value::text(&row.document().year);
    IsCompletelyDelivered EdmType::Boolean, "Delivery Completed", Plain, |row| Value::Boolean(row.movement().completes);
    MaterialDocumentItemText string(50), "Item Text", Plain, |row| Value::text(&row.movement().text);
    ShelfLifeExpirationDate EdmType::Date, "SLED/BBD", Plain, |_| Value::Null;
    GoodsMovementIsCancelled EdmType::Boolean, "Reversed", Plain, |row| Value::Boolean(row.movement().cancelled);
    ReversedMaterialDocumentYear string(4), "Reversed Doc Year", NonNegative, reversed_year;
    ReversedMaterialDocument string(10), "Reversed Mat Doc", UpperCase, reversed_document;
    ReversedMaterialDocumentItem string(4), "Reversed Doc Item", NonNegative, reversed_item;
}
