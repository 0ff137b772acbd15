//! The model: services, entity sets, their properties and how each is read off a row.
//!
//! Schema and data stand in one table, so `$metadata` cannot promise what the rows do not hold.
//! A new set is one more entry in `SERVICES`; a new kind of row is one more variant of [`Row`].

use super::{
    errors::ODataError,
    seed::{Item, Order, Seed},
    value::{Kind, Value},
};

mod purchase_order;

/// Every service of the system.
pub(crate) static SERVICES: &[&Service] = &[&purchase_order::SERVICE];

/// An OData v2 service.
#[derive(Debug)]
pub(crate) struct Service {
    /// Technical name, also the namespace of its types.
    pub(crate) name: &'static str,
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
}

impl<'a> Row<'a> {
    /// The document.
    fn order(&self) -> &'a Order {
        match self {
            Row::Order(order) | Row::Item(order, _) => order,
        }
    }

    /// The line.
    ///
    /// # Panics
    /// On a header row: the sets below give item properties to item rows only.
    fn item(&self) -> &'a Item {
        match self {
            Row::Item(_, item) => item,
            Row::Order(_) => panic!("item properties are read off item rows"),
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
    /// All rows in key order; given an order number, only those of that order.
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

/// A navigation property; all of them lead to many.
#[derive(Debug)]
pub(crate) struct Navigation {
    pub(crate) name: &'static str,
    pub(crate) target: &'static EntitySet,
    pub(crate) rows: for<'a> fn(&Row<'a>) -> Vec<Row<'a>>,
}

/// The type of a property and its facets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EdmType {
    Boolean,
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

/// The one `sap:` annotation, beside the label, that a property carries here.
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
    CurrencyCode,
    UnitOfMeasure,
}
