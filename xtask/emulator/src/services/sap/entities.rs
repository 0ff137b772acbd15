//! The model: services, entity sets, their properties and how each is read off a row.
//!
//! Schema and data stand in one table, so `$metadata` cannot promise what the rows do not hold.
//! A new set is one more entry in `SERVICES`; a new kind of row is one more variant of [`Row`].

use rust_decimal::Decimal;

use super::{
    errors::ODataError,
    seed::{
        Item, Order, ScheduleLine, Seed,
        movement::{Document, Movement},
        stock::StockRecord,
    },
    value::{Kind, Value},
};

mod material_document;
mod material_stock;
mod process_api;
mod purchase_order;

/// Every service of the system.
pub(crate) static SERVICES: &[&Service] = &[
    &purchase_order::SERVICE,
    &process_api::SERVICE,
    &material_stock::SERVICE,
    &material_document::SERVICE,
];

/// An OData v2 service.
#[derive(Debug)]
pub(crate) struct Service {
    /// Technical name, also the namespace of its types.
    pub(crate) name: &'static str,
    /// The application component that stands in its errors.
    pub(crate) component: &'static str,
    pub(crate) sets: &'static [&'static EntitySet],
}

impl Service {
    pub(crate) fn set(&self, name: &str) -> Option<&'static EntitySet> {
        self.sets.iter().copied().find(|set| set.name == name)
    }
}

/// What an entity is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Row<'a> {
    Order(&'a Order),
    Item(&'a Order, &'a Item),
    ScheduleLine(&'a Order, &'a Item, &'a ScheduleLine),
    Document(&'a Document),
    Movement(&'a Document, &'a Movement),
    Stock(&'a StockRecord),
}

/// What the row is made from. The sets below give properties of a kind to rows of that kind only.
///
/// # Panics
/// On a row of another kind.
impl<'a> Row<'a> {
    /// The purchase order.
    fn order(&self) -> &'a Order {
        match self {
            Row::Order(order) | Row::Item(order, _) | Row::ScheduleLine(order, _, _) => order,
            other => unreachable!("order properties are not read off {other:?}"),
        }
    }

    /// The line of an order.
    fn item(&self) -> &'a Item {
        match self {
            Row::Item(_, item) | Row::ScheduleLine(_, item, _) => item,
            other => unreachable!("item properties are not read off {other:?}"),
        }
    }

    fn schedule_line(&self) -> &'a ScheduleLine {
        match self {
            Row::ScheduleLine(_, _, line) => line,
            other => unreachable!("schedule line properties are not read off {other:?}"),
        }
    }

    /// The material document.
    fn document(&self) -> &'a Document {
        match self {
            Row::Document(document) | Row::Movement(document, _) => document,
            other => unreachable!("document properties are not read off {other:?}"),
        }
    }

    /// The item of a material document.
    fn movement(&self) -> &'a Movement {
        match self {
            Row::Movement(_, movement) => movement,
            other => unreachable!("movement properties are not read off {other:?}"),
        }
    }

    fn stock(&self) -> &'a StockRecord {
        match self {
            Row::Stock(record) => record,
            other => unreachable!("stock properties are not read off {other:?}"),
        }
    }
}

/// A set of entities of one type. The type's name is the set's with `Type` behind it.
#[derive(Debug)]
pub(crate) struct EntitySet {
    pub(crate) name: &'static str,
    pub(crate) type_name: &'static str,
    pub(crate) label: &'static str,
    /// Names of the key properties, in the order of the key predicate.
    pub(crate) key: &'static [&'static str],
    pub(crate) properties: &'static [Property],
    pub(crate) navigations: &'static [Navigation],
    /// `sap:semantics="aggregate"`: dimensions and measures. The emulator does not aggregate: every row is at the
    /// finest grain, whatever `$select` names.
    pub(crate) aggregate: bool,
    /// Properties that the query option `search` looks into; without any, the set is not searchable.
    pub(crate) searchable: &'static [&'static str],
    /// The property for whose value `rows` has a short way.
    pub(crate) index: Option<&'static str>,
    /// All rows in key order; given a value of `index`, only those with that value.
    pub(crate) rows: for<'a> fn(&'a Seed, Option<&str>) -> Vec<Row<'a>>,
}

impl EntitySet {
    pub(crate) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties
            .iter()
            .find(|property| property.name == name)
    }

    /// The error for a name that is no property.
    pub(crate) fn unknown_property(&self, name: &str) -> ODataError {
        ODataError::UnknownProperty {
            property: name.to_owned(),
            entity_type: self.type_name,
        }
    }

    pub(crate) fn navigation(&self, name: &str) -> Option<&'static Navigation> {
        self.navigations
            .iter()
            .find(|navigation| navigation.name == name)
    }
}

/// A navigation property.
#[derive(Debug)]
pub(crate) struct Navigation {
    pub(crate) name: &'static str,
    pub(crate) target: &'static EntitySet,
    pub(crate) multiplicity: Multiplicity,
    /// Where it leads: at most one row when the multiplicity is one.
    pub(crate) rows: for<'a> fn(&'a Seed, &Row<'a>) -> Vec<Row<'a>>,
}

/// How many entities a navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Multiplicity {
    One,
    Many,
}

/// The type of a property and its facets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EdmType {
    Boolean,
    /// A length of zero stands for no limit.
    String {
        max_length: u32,
    },
    Decimal {
        precision: u32,
        scale: u32,
    },
    /// `Edm.DateTime` with `sap:display-format="Date"`.
    Date,
    DateTimeOffset,
    Time,
}

impl EdmType {
    pub(crate) fn kind(self) -> Kind {
        match self {
            EdmType::Boolean => Kind::Boolean,
            EdmType::String { max_length: _ } => Kind::Text,
            EdmType::Decimal {
                precision: _,
                scale: _,
            } => Kind::Number,
            EdmType::Date => Kind::DateTime,
            EdmType::DateTimeOffset => Kind::DateTimeOffset,
            EdmType::Time => Kind::Time,
        }
    }

    /// Decimal places of the JSON form.
    pub(crate) fn scale(self) -> u32 {
        match self {
            EdmType::Decimal {
                precision: _,
                scale,
            } => scale,
            _ => 0,
        }
    }
}

/// A property of an entity type.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) edm: EdmType,
    pub(crate) label: &'static str,
    pub(crate) annotation: Annotation,
    pub(crate) get: for<'a> fn(&Row<'a>) -> Value<'a>,
}

impl Property {
    /// Whether `$filter` may name it.
    pub(crate) fn filterable(&self) -> bool {
        !matches!(
            self.annotation,
            Annotation::Measure(_) | Annotation::Generated
        )
    }

    /// Whether `$orderby` may name it.
    pub(crate) fn sortable(&self) -> bool {
        !matches!(self.annotation, Annotation::Generated)
    }
}

/// The `sap:` annotations, beside the label, that a property carries here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Annotation {
    None,
    /// Stored in capitals.
    UpperCase,
    /// A number kept as digits, zero-padded.
    NonNegative,
    /// Name of the property that holds this one's text.
    Text(&'static str),
    /// Name of the property that holds this one's unit or currency.
    Unit(&'static str),
    /// As `Unit`, in an aggregated set: not filterable.
    Measure(&'static str),
    /// The made-up key of an aggregated set: neither filterable nor sortable.
    Generated,
    CurrencyCode,
    UnitOfMeasure,
}

const fn string(max_length: u32) -> EdmType {
    EdmType::String { max_length }
}

const fn decimal(precision: u32, scale: u32) -> EdmType {
    EdmType::Decimal { precision, scale }
}

/// One row of a property table: name, type, label, annotation, and the value of a row.
macro_rules! properties {
    ($(#[$doc:meta])* $table:ident: $($name:ident $edm:expr, $label:literal, $annotation:expr, $get:expr;)*) => {
        $(#[$doc])*
        static $table: &[Property] = &[$(Property {
            name: stringify!($name), edm: $edm, label: $label, annotation: $annotation, get: $get,
        }),*];
    };
}
use properties;

fn orders<'a>(seed: &'a Seed, number: Option<&str>) -> Vec<Row<'a>> {
    match number {
        Some(number) => seed.order(number).map(Row::Order).into_iter().collect(),
        None => seed.orders.iter().map(Row::Order).collect(),
    }
}

fn items<'a>(seed: &'a Seed, number: Option<&str>) -> Vec<Row<'a>> {
    orders(seed, number).iter().flat_map(items_of).collect()
}

fn schedule_lines<'a>(seed: &'a Seed, number: Option<&str>) -> Vec<Row<'a>> {
    items(seed, number)
        .iter()
        .flat_map(schedule_lines_of)
        .collect()
}

fn items_of<'a>(row: &Row<'a>) -> Vec<Row<'a>> {
    let order = row.order();
    order
        .items
        .iter()
        .map(|item| Row::Item(order, item))
        .collect()
}

fn schedule_lines_of<'a>(row: &Row<'a>) -> Vec<Row<'a>> {
    let (order, item) = (row.order(), row.item());
    item.schedule
        .iter()
        .map(|line| Row::ScheduleLine(order, item, line))
        .collect()
}

fn documents<'a>(seed: &'a Seed, number: Option<&str>) -> Vec<Row<'a>> {
    match number {
        Some(number) => seed
            .document(number)
            .map(Row::Document)
            .into_iter()
            .collect(),
        None => seed.documents.iter().map(Row::Document).collect(),
    }
}

fn movements<'a>(seed: &'a Seed, number: Option<&str>) -> Vec<Row<'a>> {
    documents(seed, number)
        .iter()
        .flat_map(movements_of)
        .collect()
}

fn movements_of<'a>(row: &Row<'a>) -> Vec<Row<'a>> {
    let document = row.document();
    document
        .items
        .iter()
        .map(|movement| Row::Movement(document, movement))
        .collect()
}

/// Digits with leading zeros.
fn padded<'a>(number: u32, width: usize) -> Value<'a> {
    Value::Text(format!("{number:0width$}").into())
}

fn supplier_id<'a>(row: &Row<'a>) -> Value<'a> {
    Value::text(row.order().supplier.map_or("", |supplier| supplier.id))
}

fn payment_terms<'a>(row: &Row<'a>) -> Value<'a> {
    Value::text(row.order().terms.map_or("", |terms| terms.key))
}

fn discount_days<'a>(row: &Row<'a>) -> Value<'a> {
    let terms = row.order().terms;
    Value::Number(terms.map_or(Decimal::ZERO, |terms| terms.discount_days.into()))
}

fn net_payment_days<'a>(row: &Row<'a>) -> Value<'a> {
    let terms = row.order().terms;
    Value::Number(terms.map_or(Decimal::ZERO, |terms| terms.net_days.into()))
}

fn discount_percent<'a>(row: &Row<'a>) -> Value<'a> {
    let terms = row.order().terms;
    Value::Number(terms.map_or(Decimal::ZERO, |terms| terms.discount_percent))
}

fn last_change<'a>(row: &Row<'a>) -> Value<'a> {
    let order = row.order();
    Value::DateTimeOffset(
        order
            .creation_date
            .with_time(order.creation_time)
            .assume_utc(),
    )
}

fn item_number<'a>(row: &Row<'a>) -> Value<'a> {
    padded(row.item().number, 5)
}

/// Services have no place in the warehouse.
fn storage_location<'a>(row: &Row<'a>) -> Value<'a> {
    Value::text(if row.item().category == "9" {
        ""
    } else {
        "171A"
    })
}

fn product_type<'a>(row: &Row<'a>) -> Value<'a> {
    Value::text(if row.item().category == "9" { "2" } else { "1" })
}

/// Year of the document that this one reverses; `0000` is the initial value of such a field.
fn reversed_year<'a>(row: &Row<'a>) -> Value<'a> {
    let reverses = row.movement().reverses.as_ref();
    Value::text(reverses.map_or("0000", |(year, _, _)| year))
}

/// Number of the document that this one reverses.
fn reversed_document<'a>(row: &Row<'a>) -> Value<'a> {
    let reverses = row.movement().reverses.as_ref();
    Value::text(reverses.map_or("", |(_, document, _)| document))
}

/// Item that this one reverses.
fn reversed_item<'a>(row: &Row<'a>) -> Value<'a> {
    let reverses = row.movement().reverses.as_ref();
    padded(reverses.map_or(0, |(_, _, item)| *item), 4)
}
