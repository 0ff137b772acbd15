//! `API_PURCHASEORDER_PROCESS_SRV`: the released service for purchase orders, a selection of its properties.
//!
//! As in SAP, headers have neither the supplier's name nor a net amount, and items have no net amount either: it is
//! quantity times price by price unit. The service can write in SAP; here it is read-only like everything else.

use rust_decimal::Decimal;

use super::{
    Annotation, EdmType, EntitySet, Multiplicity, Navigation, Property, Row, Service, decimal,
    discount_days, discount_percent, item_number, items, items_of, last_change, net_payment_days,
    orders, padded, payment_terms, product_type, properties, schedule_lines, schedule_lines_of,
    storage_location, string, supplier_id,
};
use crate::services::sap::value::Value;

pub(super) static SERVICE: Service = Service {
    name: "API_PURCHASEORDER_PROCESS_SRV",
    component: "MM-PUR-PO",
    sets: &[&PURCHASE_ORDER, &ITEM, &SCHEDULE_LINE],
};

static PURCHASE_ORDER: EntitySet = EntitySet {
    name: "A_PurchaseOrder",
    type_name: "A_PurchaseOrderType",
    label: "Purchase Order Header",
    key: &["PurchaseOrder"],
    properties: HEADER_PROPERTIES,
    navigations: &[Navigation {
        name: "to_PurchaseOrderItem",
        target: &ITEM,
        multiplicity: Multiplicity::Many,
        rows: |_, row| items_of(row),
    }],
    aggregate: false,
    searchable: &[],
    index: Some("PurchaseOrder"),
    rows: orders,
};

static ITEM: EntitySet = EntitySet {
    name: "A_PurchaseOrderItem",
    type_name: "A_PurchaseOrderItemType",
    label: "Purchase Order Item",
    key: &["PurchaseOrder", "PurchaseOrderItem"],
    properties: ITEM_PROPERTIES,
    navigations: &[
        Navigation {
            name: "to_PurchaseOrder",
            target: &PURCHASE_ORDER,
            multiplicity: Multiplicity::One,
            rows: |_, row| vec![Row::Order(row.order())],
        },
        Navigation {
            name: "to_ScheduleLine",
            target: &SCHEDULE_LINE,
            multiplicity: Multiplicity::Many,
            rows: |_, row| schedule_lines_of(row),
        },
    ],
    aggregate: false,
    searchable: &[],
    index: Some("PurchaseOrder"),
    rows: items,
};

static SCHEDULE_LINE: EntitySet = EntitySet {
    name: "A_PurchaseOrderScheduleLine",
    type_name: "A_PurchaseOrderScheduleLineType",
    label: "Purchase Order Schedule Line",
    key: &[
        "PurchasingDocument",
        "PurchasingDocumentItem",
        "ScheduleLine",
    ],
    properties: SCHEDULE_LINE_PROPERTIES,
    navigations: &[],
    aggregate: false,
    searchable: &[],
    index: Some("PurchasingDocument"),
    rows: schedule_lines,
};

use Annotation::{CurrencyCode, NonNegative, None as Plain, Unit, UnitOfMeasure, UpperCase};

properties! {
    HEADER_PROPERTIES:
    PurchaseOrder string(10), "Purchase Order", UpperCase, |row| Value::text(&row.order().number);
    CompanyCode string(4), "Company Code", UpperCase, |row| Value::text(row.order().company.code);
    PurchaseOrderType string(4), "Purchasing Doc. Type", UpperCase, |row| Value::text(row.order().order_type);
    PurchasingDocumentDeletionCode string(1), "Deletion Indicator", UpperCase, |row| Value::text(row.order().deletion_code);
    PurchasingProcessingStatus string(2), "Purch. Doc. Proc. State", UpperCase, |row| Value::text(if row.order().on_hold { "01" } else { "05" });
    CreatedByUser string(12), "Created By", UpperCase, |row| Value::text(row.order().created_by);
    CreationDate EdmType::Date, "Created On", Plain, |row| Value::date(row.order().creation_date);
    LastChangeDateTime EdmType::DateTimeOffset, "Changed On", Plain, last_change;
    Supplier string(10), "Supplier", UpperCase, supplier_id;
    Language string(2), "Language Key", Plain, |_| Value::text("EN");
    PaymentTerms string(4), "Payment Terms", UpperCase, payment_terms;
    CashDiscount1Days decimal(3, 0), "Days 1", Plain, discount_days;
    CashDiscount2Days decimal(3, 0), "Days 2", Plain, |_| Value::Number(Decimal::ZERO);
    NetPaymentDays decimal(3, 0), "Days Net", Plain, net_payment_days;
    CashDiscount1Percent decimal(5, 3), "CD Percentage 1", Plain, discount_percent;
    CashDiscount2Percent decimal(5, 3), "CD Percentage 2", Plain, |_| Value::Number(Decimal::ZERO);
    PurchasingOrganization string(4), "Purch. Organization", UpperCase, |row| Value::text(row.order().company.code);
    PurchasingGroup string(3), "Purchasing Group", UpperCase, |row| Value::text(row.order().purchasing_group);
    PurchaseOrderDate EdmType::Date, "Purchase Order Date", Plain, |row| Value::date(row.order().order_date);
    DocumentCurrency string(5), "Currency", CurrencyCode, |row| Value::text(row.order().currency.code);
    ValidityStartDate EdmType::Date, "Validity Per. Start", Plain, |_| Value::Null;
    ValidityEndDate EdmType::Date, "Validity Period End", Plain, |_| Value::Null;
    SupplyingPlant string(4), "Supplying Plant", UpperCase, |row| Value::text(row.order().supplying_plant);
    IncotermsClassification string(3), "Incoterms", UpperCase, |_| Value::text("EXW");
    InvoicingParty string(10), "Different Invoicing Party", UpperCase, supplier_id;
    ReleaseIsNotCompleted EdmType::Boolean, "Subject to Release", Plain, |_| Value::Boolean(false);
    PurchasingCompletenessStatus EdmType::Boolean, "Incomplete", Plain, |row| Value::Boolean(row.order().on_hold);
    AddressName string(40), "Name", Plain, |_| Value::text("");
    AddressCountry string(3), "Country/Region Key", UpperCase, |_| Value::text("");
}

properties! {
    ITEM_PROPERTIES:
    PurchaseOrder string(10), "Purchase Order", UpperCase, |row| Value::text(&row.order().number);
    PurchaseOrderItem string(5), "Item", NonNegative, item_number;
    PurchasingDocumentDeletionCode string(1), "Deletion Indicator", UpperCase, |row| Value::text(row.item().deletion_code);
    PurchaseOrderItemText string(40), "Short Text", Plain, |row| Value::text(&row.item().text);
    Plant string(4), "Plant", UpperCase, |row| Value::text(row.order().company.code);
    StorageLocation string(4), "Storage Location", UpperCase, storage_location;
    MaterialGroup string(9), "Material Group", UpperCase, |row| Value::text(row.item().material_group);
    SupplierMaterialNumber string(35), "Supplier Material No.", UpperCase, |_| Value::text("");
    OrderQuantity decimal(13, 3), "Order Quantity", Unit("PurchaseOrderQuantityUnit"), |row| Value::Number(row.item().quantity);
    PurchaseOrderQuantityUnit string(3), "Order Unit", UnitOfMeasure, |row| Value::text(row.item().unit);
    OrderPriceUnit string(3), "Order Price Unit", UnitOfMeasure, |row| Value::text(row.item().unit);
    OrderPriceUnitToOrderUnitNmrtr decimal(5, 0), "Quantity Conversion", Plain, |_| Value::Number(Decimal::ONE);
    OrdPriceUnitToOrderUnitDnmntr decimal(5, 0), "Quantity Conversion", Plain, |_| Value::Number(Decimal::ONE);
    DocumentCurrency string(5), "Currency", CurrencyCode, |row| Value::text(row.order().currency.code);
    NetPriceAmount decimal(12, 3), "Net Order Price", Unit("DocumentCurrency"), |row| Value::Number(row.item().price);
    NetPriceQuantity decimal(5, 0), "Price Unit", Unit("OrderPriceUnit"), |row| Value::Number(Decimal::from(row.item().price_unit));
    TaxCode string(2), "Tax Code", UpperCase, |_| Value::text("I0");
    OverdelivTolrtdLmtRatioInPct decimal(3, 1), "Overdeliv. Tolerance", Plain, |_| Value::Number(Decimal::ZERO);
    UnlimitedOverdeliveryIsAllowed EdmType::Boolean, "Unlimited Overdelivery", Plain, |_| Value::Boolean(false);
    IsCompletelyDelivered EdmType::Boolean, "Delivery Completed", Plain, |row| Value::Boolean(row.item().delivered);
    IsFinallyInvoiced EdmType::Boolean, "Final Invoice", Plain, |row| Value::Boolean(row.item().invoiced);
    PurchaseOrderItemCategory string(1), "Item Category", UpperCase, |row| Value::text(row.item().category);
    AccountAssignmentCategory string(1), "Acct Assignment Cat.", UpperCase, |_| Value::text("");
    GoodsReceiptIsExpected EdmType::Boolean, "Goods Receipt", Plain, |row| Value::Boolean(row.item().goods_receipt_expected);
    InvoiceIsExpected EdmType::Boolean, "Invoice Receipt", Plain, |row| Value::Boolean(row.order().supplier.is_some());
    InvoiceIsGoodsReceiptBased EdmType::Boolean, "GR-Based Inv. Verif.", Plain, |row| Value::Boolean(row.item().goods_receipt_expected);
    IsReturnsItem EdmType::Boolean, "Returns Item", Plain, |row| Value::Boolean(row.item().returns);
    Material string(40), "Material", UpperCase, |row| Value::text(&row.item().material);
    ProductType string(2), "Product Type Group", UpperCase, product_type;
}

properties! {
    SCHEDULE_LINE_PROPERTIES:
    PurchasingDocument string(10), "Purchasing Document", UpperCase, |row| Value::text(&row.order().number);
    PurchasingDocumentItem string(5), "Item", NonNegative, item_number;
    ScheduleLine string(4), "Schedule Line", NonNegative, |row| padded(row.schedule_line().number, 4);
    DelivDateCategory string(1), "Del. Date Category", UpperCase, |_| Value::text("1");
    ScheduleLineDeliveryDate EdmType::Date, "Delivery Date", Plain, |row| Value::date(row.schedule_line().date);
    PurchaseOrderQuantityUnit string(3), "Order Unit", UnitOfMeasure, |row| Value::text(row.item().unit);
    ScheduleLineOrderQuantity decimal(13, 3), "Scheduled Quantity", Unit("PurchaseOrderQuantityUnit"), |row| Value::Number(row.schedule_line().quantity);
    ScheduleLineDeliveryTime EdmType::Time, "Delivery Date Time-Spot", Plain, |_| Value::Time(time::Time::MIDNIGHT);
    PurchaseRequisition string(10), "Purchase Requisition", UpperCase, |_| Value::text("");
    ScheduleLineCommittedQuantity decimal(13, 3), "Committed Quantity", Unit("PurchaseOrderQuantityUnit"), |_| Value::Number(Decimal::ZERO);
}
