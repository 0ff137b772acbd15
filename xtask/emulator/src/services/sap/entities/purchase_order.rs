//! `C_PURCHASEORDER_FS_SRV`: the fact-sheet service of the purchase order app, a selection of its sets and properties.
//!
//! `I_PurchaseOrder` and `I_PurchaseOrderItem` have no navigation in SAP either, and the item has no supplier, no
//! order date and no material description.

use rust_decimal::Decimal;

use super::{
    Annotation, EdmType, EntitySet, Multiplicity, Navigation, Property, Row, Service, decimal,
    discount_days, discount_percent, item_number, items, items_of, last_change, net_payment_days,
    orders, payment_terms, product_type, properties, storage_location, string, supplier_id,
};
use crate::services::sap::value::Value;

mod delivery;

pub(super) static SERVICE: Service = Service {
    name: "C_PURCHASEORDER_FS_SRV",
    component: "MM-PUR-PO",
    sets: &[
        &PURCHASE_ORDER,
        &PURCHASE_ORDER_ITEM,
        &FACT_SHEET,
        &ITEM_ENHANCED,
        &delivery::SCHEDULE_LINE,
        &delivery::GOODS_RECEIPT,
    ],
};

static PURCHASE_ORDER: EntitySet = EntitySet {
    name: "I_PurchaseOrder",
    type_name: "I_PurchaseOrderType",
    label: "Purchase Order",
    key: &["PurchaseOrder"],
    properties: HEADER,
    navigations: &[],
    aggregate: false,
    searchable: &[],
    index: Some("PurchaseOrder"),
    rows: orders,
};

static PURCHASE_ORDER_ITEM: EntitySet = EntitySet {
    name: "I_PurchaseOrderItem",
    type_name: "I_PurchaseOrderItemType",
    label: "Purchase Order Item",
    key: &["PurchaseOrder", "PurchaseOrderItem"],
    properties: ITEM,
    navigations: &[],
    aggregate: false,
    searchable: &[],
    index: Some("PurchaseOrder"),
    rows: items,
};

static FACT_SHEET: EntitySet = EntitySet {
    name: "C_PurchaseOrderFs",
    type_name: "C_PurchaseOrderFsType",
    label: "Purchase Order",
    key: &["PurchaseOrder"],
    properties: FACT_SHEET_PROPERTIES,
    navigations: &[
        Navigation {
            name: "to_PurchaseOrderItem",
            target: &ITEM_ENHANCED,
            multiplicity: Multiplicity::Many,
            rows: |_, row| items_of(row),
        },
        Navigation {
            name: "to_PurchaseOrderGoodsReceipt",
            target: &delivery::GOODS_RECEIPT,
            multiplicity: Multiplicity::Many,
            rows: delivery::receipts_of,
        },
    ],
    aggregate: false,
    searchable: &["PurchaseOrder", "Supplier", "SupplierName"],
    index: Some("PurchaseOrder"),
    rows: orders,
};

static ITEM_ENHANCED: EntitySet = EntitySet {
    name: "C_PurOrdItemEnh",
    type_name: "C_PurOrdItemEnhType",
    label: "Purchase Order Item",
    key: &["PurchaseOrder", "PurchaseOrderItem"],
    properties: ITEM_ENHANCED_PROPERTIES,
    navigations: &[],
    aggregate: false,
    searchable: &[],
    index: Some("PurchaseOrder"),
    rows: items,
};

use Annotation::{CurrencyCode, NonNegative, None as Plain, Text, Unit, UnitOfMeasure, UpperCase};

properties! {
    HEADER:
    PurchaseOrder string(10), "Purchase Order", UpperCase, |row| Value::text(&row.order().number);
    PurchaseOrderType string(4), "Purchasing Doc. Type", UpperCase, |row| Value::text(row.order().order_type);
    CreatedByUser string(12), "Created By", UpperCase, |row| Value::text(row.order().created_by);
    CreationDate EdmType::Date, "Created On", Plain, |row| Value::date(row.order().creation_date);
    PurchaseOrderDate EdmType::Date, "Purchase Order Date", Plain, |row| Value::date(row.order().order_date);
    Language string(2), "Language Key", Plain, |_| Value::text("EN");
    PurchasingDocumentDeletionCode string(1), "Deletion Code", UpperCase, |row| Value::text(row.order().deletion_code);
    ReleaseIsNotCompleted EdmType::Boolean, "Subject to Release", Plain, |_| Value::Boolean(false);
    PurchasingCompletenessStatus EdmType::Boolean, "Incomplete", Plain, |row| Value::Boolean(row.order().on_hold);
    CompanyCode string(4), "Company Code", UpperCase, |row| Value::text(row.order().company.code);
    PurchasingOrganization string(4), "Purch. Organization", UpperCase, |row| Value::text(row.order().company.code);
    PurchasingGroup string(3), "Purchasing Group", UpperCase, |row| Value::text(row.order().purchasing_group);
    Supplier string(10), "Supplier", UpperCase, supplier_id;
    SupplyingPlant string(4), "Supplying Plant", UpperCase, |row| Value::text(row.order().supplying_plant);
    PaymentTerms string(4), "Payment Terms", UpperCase, payment_terms;
    CashDiscount1Days decimal(3, 0), "Days 1", Plain, discount_days;
    NetPaymentDays decimal(3, 0), "Days Net", Plain, net_payment_days;
    CashDiscount1Percent decimal(5, 3), "CD Percentage 1", Plain, discount_percent;
    IncotermsClassification string(3), "Incoterms", UpperCase, |_| Value::text("EXW");
    DocumentCurrency string(5), "Currency", CurrencyCode, |row| Value::text(row.order().currency.code);
    LastChangeDateTime EdmType::DateTimeOffset, "Changed On", Plain, last_change;
}

properties! {
    FACT_SHEET_PROPERTIES:
    PurchaseOrder string(10), "Purchase Order", UpperCase, |row| Value::text(&row.order().number);
    PurchaseOrderType string(4), "Purchasing Doc. Type", UpperCase, |row| Value::text(row.order().order_type);
    CreatedByUser string(12), "Created By", UpperCase, |row| Value::text(row.order().created_by);
    CreationDate EdmType::Date, "Created On", Plain, |row| Value::date(row.order().creation_date);
    PurchaseOrderDate EdmType::Date, "Purchase Order Date", Plain, |row| Value::date(row.order().order_date);
    Language string(2), "Language Key", Plain, |_| Value::text("EN");
    PurchasingDocumentDeletionCode string(1), "Deletion Code", UpperCase, |row| Value::text(row.order().deletion_code);
    ReleaseIsNotCompleted EdmType::Boolean, "Subject to Release", Plain, |_| Value::Boolean(false);
    PurchasingCompletenessStatus EdmType::Boolean, "Incomplete", Plain, |row| Value::Boolean(row.order().on_hold);
    CompanyCode string(4), "Company Code", Text("CompanyCodeName"), |row| Value::text(row.order().company.code);
    CompanyCodeName string(25), "Company Name", Plain, |row| Value::text(row.order().company.name);
    PurchasingOrganization string(4), "Purch. Organization", Text("PurchasingOrganizationName"), |row| Value::text(row.order().company.code);
    PurchasingOrganizationName string(20), "Purch. Org. Name", Plain, |row| Value::text(row.order().company.organization_name);
    PurchasingGroup string(3), "Purchasing Group", UpperCase, |row| Value::text(row.order().purchasing_group);
    Supplier string(10), "Supplier", Text("SupplierName"), supplier_id;
    SupplierName string(35), "Name", Plain, |row| Value::text(row.order().supplier.map_or("", |supplier| supplier.name));
    SupplyingPlant string(4), "Supplying Plant", UpperCase, |row| Value::text(row.order().supplying_plant);
    PaymentTerms string(4), "Payment Terms", Text("PaymentTerms_Text"), payment_terms;
    PaymentTerms_Text string(30), "Description", Plain, |row| Value::text(row.order().terms.map_or("", |terms| terms.text));
    CashDiscount1Days decimal(3, 0), "Days 1", Plain, discount_days;
    NetPaymentDays decimal(3, 0), "Days Net", Plain, net_payment_days;
    CashDiscount1Percent decimal(5, 3), "CD Percentage 1", Plain, discount_percent;
    IncotermsClassification string(3), "Incoterms", UpperCase, |_| Value::text("EXW");
    DocumentCurrency string(5), "Currency", CurrencyCode, |row| Value::text(row.order().currency.code);
    PurchaseOrderNetAmount decimal(24, 3), "Net Amount", Unit("DocumentCurrency"), |row| Value::Number(row.order().net_amount());
    PurchasingDocumentStatus string(2), "Status", Text("PurchasingDocumentStatusName"), |row| Value::text(row.order().status().0);
    PurchasingDocumentStatusName string(60), "Status", Plain, |row| Value::text(row.order().status().1);
}

properties! {
    ITEM:
    PurchaseOrder string(10), "Purchase Order", UpperCase, |row| Value::text(&row.order().number);
    PurchaseOrderItem string(5), "Item", NonNegative, item_number;
    PurchaseOrderItemUniqueID string(15), "Purchase Order Item", UpperCase, |row| Value::Text(format!("{}{:05}", row.order().number, row.item().number).into());
    PurchaseOrderItemCategory string(1), "Item Category", UpperCase, |row| Value::text(row.item().category);
    DocumentCurrency string(5), "Currency", CurrencyCode, |row| Value::text(row.order().currency.code);
    PurchasingDocumentDeletionCode string(1), "Deletion Indicator", UpperCase, |row| Value::text(row.item().deletion_code);
    MaterialGroup string(9), "Material Group", UpperCase, |row| Value::text(row.item().material_group);
    Material string(40), "Material", UpperCase, |row| Value::text(&row.item().material);
    PurchaseOrderItemText string(40), "Short Text", Plain, |row| Value::text(&row.item().text);
    ProductType string(2), "Product Type Group", UpperCase, product_type;
    CompanyCode string(4), "Company Code", UpperCase, |row| Value::text(row.order().company.code);
    Plant string(4), "Plant", UpperCase, |row| Value::text(row.order().company.code);
    StorageLocation string(4), "Storage Location", UpperCase, storage_location;
    OrderQuantity decimal(13, 3), "Order Quantity", Unit("PurchaseOrderQuantityUnit"), |row| Value::Number(row.item().quantity);
    PurchaseOrderQuantityUnit string(3), "Order Unit", UnitOfMeasure, |row| Value::text(row.item().unit);
    OrderPriceUnit string(3), "Order Price Unit", UnitOfMeasure, |row| Value::text(row.item().unit);
    NetPriceAmount decimal(12, 3), "Net Order Price", Unit("DocumentCurrency"), |row| Value::Number(row.item().price);
    NetPriceQuantity decimal(5, 0), "Price Unit", Unit("OrderPriceUnit"), |row| Value::Number(Decimal::from(row.item().price_unit));
    NetAmount decimal(14, 3), "Net Order Value", Unit("DocumentCurrency"), |row| Value::Number(row.item().net_amount);
    GrossAmount decimal(14, 3), "Gross Order Value", Unit("DocumentCurrency"), |row| Value::Number(row.item().net_amount);
    TaxCode string(2), "Tax Code", UpperCase, |_| Value::text("I0");
    IsCompletelyDelivered EdmType::Boolean, "Delivery Completed", Plain, |row| Value::Boolean(row.item().delivered);
    IsFinallyInvoiced EdmType::Boolean, "Final Invoice", Plain, |row| Value::Boolean(row.item().invoiced);
    GoodsReceiptIsExpected EdmType::Boolean, "Goods Receipt", Plain, |row| Value::Boolean(row.item().goods_receipt_expected);
    InvoiceIsExpected EdmType::Boolean, "Invoice Receipt", Plain, |row| Value::Boolean(row.order().supplier.is_some());
    InvoiceIsGoodsReceiptBased EdmType::Boolean, "GR-Based Inv. Verif.", Plain, |row| Value::Boolean(row.item().goods_receipt_expected);
    IsReturnsItem EdmType::Boolean, "Returns Item", Plain, |row| Value::Boolean(row.item().returns);
    CreationDate EdmType::Date, "Created On", Plain, |row| Value::date(row.order().creation_date);
    CreationTime EdmType::Time, "Time of Entry", Plain, |row| Value::Time(row.order().creation_time);
}

properties! {
    ITEM_ENHANCED_PROPERTIES:
    PurchaseOrder string(10), "Purchase Order", UpperCase, |row| Value::text(&row.order().number);
    PurchaseOrderItem string(5), "Item", NonNegative, item_number;
    PurchaseOrderItemCategory string(1), "Item Category", UpperCase, |row| Value::text(row.item().category);
    Material string(40), "Material", UpperCase, |row| Value::text(&row.item().material);
    MaterialGroup string(9), "Material Group", Text("MaterialGroup_Text"), |row| Value::text(row.item().material_group);
    MaterialGroup_Text string(20), "Product Group Desc.", Plain, material_group_text;
    Plant string(4), "Plant", Text("PlantName"), |row| Value::text(row.order().company.code);
    PlantName string(30), "Plant Name", Plain, |row| Value::text(row.order().company.plant_name);
    PurchaseOrderItemText string(40), "Short Text", Plain, |row| Value::text(&row.item().text);
    OrderQuantity decimal(13, 3), "Order Quantity", Unit("PurchaseOrderQuantityUnit"), |row| Value::Number(row.item().quantity);
    PurchaseOrderQuantityUnit string(3), "Order Unit", UnitOfMeasure, |row| Value::text(row.item().unit);
    DocumentCurrency string(5), "Currency", CurrencyCode, |row| Value::text(row.order().currency.code);
    PurchaseOrderPriceUnit string(3), "Order Price Unit", UnitOfMeasure, |row| Value::text(row.item().unit);
    NetPriceAmount decimal(12, 3), "Net Order Price", Unit("DocumentCurrency"), |row| Value::Number(row.item().price);
    PurchaseOrderNetPriceQuantity decimal(5, 0), "Price Unit", Unit("PurchaseOrderPriceUnit"), |row| Value::Number(Decimal::from(row.item().price_unit));
    NetAmount decimal(14, 3), "Net Order Value", Unit("DocumentCurrency"), |row| Value::Number(row.item().net_amount);
    PurchasingDocumentDeletionCode string(1), "Deletion Indicator", UpperCase, |row| Value::text(row.item().deletion_code);
    StorageLocation string(4), "Storage Location", UpperCase, storage_location;
    TaxCode string(2), "Tax Code", UpperCase, |_| Value::text("I0");
}

fn material_group_text<'a>(row: &Row<'a>) -> Value<'a> {
    Value::text(match row.item().material_group {
        "L001" => "Bicycle parts",
        "L002" => "Consumables",
        _ => "Services",
    })
}
