//! Queries as values.
//!
//! A filter is built from fields that are compiled in and literals that are typed, and is turned into text
//! in one place. What a caller supplies can only ever end up inside a quoted literal: quotes are doubled
//! there (OData v2 `''`) and afterwards everything but unreserved characters is percent-encoded, so it can
//! end neither the literal nor the query option.

use std::fmt::{self, Write as _};

use rust_decimal::Decimal;
use time::Date;
use url::Url;

/// A property name, also of a navigation (`to_Header/PostingDate`). Only constants make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field(&'static str);

impl Field {
    /// Names a property of an entity type.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The bare name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// An entity set and the properties that identify a row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntitySet {
    /// Name in the URL.
    pub name: &'static str,
    /// Every part of the key, in the order that breaks ties.
    pub key: &'static [Field],
}

/// A typed value of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Edm.String: `'it''s'`
    Text(String),
    /// Edm.Boolean: `true`
    Bool(bool),
    /// Edm.DateTime at midnight: `datetime'2025-08-01T00:00:00'`
    Date(Date),
    /// Edm.Decimal: `12.5M`
    Decimal(Decimal),
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Literal {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Date> for Literal {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}

impl From<Decimal> for Literal {
    fn from(value: Decimal) -> Self {
        Self::Decimal(value)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Date(date) => write!(
                f,
                "datetime'{:04}-{:02}-{:02}T00:00:00'",
                date.year(),
                u8::from(date.month()),
                date.day()
            ),
            Self::Decimal(value) => write!(f, "{value}M"),
        }
    }
}

/// How a field relates to a value. String comparison in SAP is case-sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Comparison {
    const fn operator(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }
}

/// A condition of `$filter`; its `Display` is the text before percent-encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Compare(Field, Comparison, Literal),
    Contains(Field, String),
    Not(Box<Node>),
    // Neither list is ever empty or of one part; see `Filter::all`.
    All(Vec<Node>),
    Any(Vec<Node>),
}

impl Filter {
    /// `Field op literal`
    pub fn compare(field: Field, comparison: Comparison, value: impl Into<Literal>) -> Self {
        Self(Node::Compare(field, comparison, value.into()))
    }

    /// `Field eq literal`
    pub fn equals(field: Field, value: impl Into<Literal>) -> Self {
        Self::compare(field, Comparison::Equal, value)
    }

    /// `substringof('text',Field)`
    pub fn contains(field: Field, text: impl Into<String>) -> Self {
        Self(Node::Contains(field, text.into()))
    }

    /// `not (condition)`
    #[expect(
        clippy::should_implement_trait,
        reason = "`!filter` would read as a test of the filter"
    )]
    pub fn not(condition: Self) -> Self {
        Self(Node::Not(Box::new(condition.0)))
    }

    /// All hold. `None` when there is no condition, which is true of every row.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        Self::list(parts, Node::All)
    }

    /// At least one holds. `None` when there is none, which is true of **no** row: it is for the caller not to ask.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        Self::list(parts, Node::Any)
    }

    /// Any of `values` in `field`: the way to ask for many keys in one request. `None` when there are no values.
    pub fn one_of<V: Into<Literal>>(
        field: Field,
        values: impl IntoIterator<Item = V>,
    ) -> Option<Self> {
        Self::any(values.into_iter().map(|value| Self::equals(field, value)))
    }

    fn list(parts: impl IntoIterator<Item = Self>, join: fn(Vec<Node>) -> Node) -> Option<Self> {
        let mut nodes: Vec<Node> = parts.into_iter().map(|part| part.0).collect();
        match nodes.len() {
            0 => None,
            1 => nodes.pop().map(Self),
            _ => Some(Self(join(nodes))),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(field, comparison, value) => {
                write!(f, "{} {} {value}", field.0, comparison.operator())
            }
            Self::Contains(field, text) => {
                write!(
                    f,
                    "substringof({},{})",
                    Literal::Text(text.clone()),
                    field.0
                )
            }
            Self::Not(condition) => write!(f, "not ({condition})"),
            Self::All(parts) => joined(f, parts, " and "),
            Self::Any(parts) => joined(f, parts, " or "),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Node], operator: &str) -> fmt::Result {
    f.write_char('(')?;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(operator)?;
        }
        write!(f, "{part}")?;
    }
    f.write_char(')')
}

/// Sort direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A read of one entity set.
#[derive(Debug, Clone)]
pub struct Query {
    /// Entity set.
    pub set: EntitySet,
    /// Properties to return; never empty, because these entities have up to 200.
    pub select: &'static [Field],
    /// Navigations whose entities come along.
    pub expand: &'static [Field],
    /// Condition; none for every row.
    pub filter: Option<Filter>,
    /// What rows are sorted by first; the key follows, ascending, so that the order is total and pages do not overlap.
    pub order_by: &'static [(Field, Direction)],
    /// `$top`: rows wanted over all pages.
    pub top: usize,
}

impl Query {
    /// The request URL under the service root, asking for JSON and for the count over all pages.
    pub fn url(&self, service: &Url) -> Url {
        let mut query = String::new();
        let mut add = |option: &str, value: &str| {
            if !value.is_empty() {
                append(&mut query, option, value);
            }
        };
        if let Some(filter) = &self.filter {
            add("$filter", &filter.to_string());
        }
        add("$select", &names(self.select));
        add("$expand", &names(self.expand));
        add("$orderby", &self.order());
        // `$top=0` would be answered with a count and no rows, but not by every server.
        add("$top", &self.top.max(1).to_string());
        add("$inlinecount", "allpages");
        add("$format", "json");
        let mut url = service.clone();
        url.set_path(&format!("{}{}", service.path(), self.set.name));
        url.set_query(Some(&query));
        url
    }

    fn order(&self) -> String {
        let given = self.order_by.iter().copied();
        let sorted_by = |key: &Field| self.order_by.iter().any(|(field, _)| field == key);
        let rest = self.set.key.iter().filter(|key| !sorted_by(key));
        let ties = rest.map(|key| (*key, Direction::Ascending));
        let terms = given.chain(ties).map(|(field, direction)| match direction {
            Direction::Ascending => format!("{} asc", field.0),
            Direction::Descending => format!("{} desc", field.0),
        });
        terms.collect::<Vec<_>>().join(",")
    }
}

fn names(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.0).collect();
    names.join(",")
}

/// Appends `name=value` to a query string, percent-encoding the value; `name` is a constant of ours.
pub(crate) fn append(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    for byte in value.bytes() {
        if is_unreserved(byte) {
            query.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(query, "%{byte:02X}");
        }
    }
}

/// Characters that `value` takes up in a URL.
pub(super) fn encoded_len(value: &str) -> usize {
    let length = |byte| if is_unreserved(byte) { 1 } else { 3 };
    value.bytes().map(length).sum()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    const NUMBER: Field = Field::new("PurchaseOrder");
    const NAME: Field = Field::new("SupplierName");
    const ORDERS: EntitySet = EntitySet {
        name: "Orders",
        key: &[NUMBER],
    };

    fn url(filter: Option<Filter>) -> Url {
        let query = Query {
            set: ORDERS,
            select: &[NUMBER, NAME],
            expand: &[],
            filter,
            order_by: &[(NAME, Direction::Descending)],
            top: 5,
        };
        query.url(&Url::parse("https://sap.example/odata/SRV;v=2/").unwrap())
    }

    #[test]
    fn the_whole_url() {
        insta::assert_snapshot!(
            url(Some(Filter::equals(NUMBER, "4500000520"))),
            @"https://sap.example/odata/SRV;v=2/Orders?$filter=PurchaseOrder%20eq%20%274500000520%27&$select=PurchaseOrder%2CSupplierName&$orderby=SupplierName%20desc%2CPurchaseOrder%20asc&$top=5&$inlinecount=allpages&$format=json"
        );
        const POSTED: Field = Field::new("to_Header/PostingDate");
        const HEADER: Field = Field::new("to_Header");
        let query = Query {
            set: ORDERS,
            select: &[NUMBER, POSTED],
            expand: &[HEADER],
            filter: None,
            order_by: &[(NUMBER, Direction::Descending)],
            top: 0,
        };
        insta::assert_snapshot!(
            query.url(&Url::parse("http://sap.example/SRV/").unwrap()),
            @"http://sap.example/SRV/Orders?$select=PurchaseOrder%2Cto_Header%2FPostingDate&$expand=to_Header&$orderby=PurchaseOrder%20desc&$top=1&$inlinecount=allpages&$format=json"
        );
    }

    #[test]
    fn literals_are_written_by_their_type() {
        for (literal, expected) in [
            (Literal::from("it's"), "'it''s'"),
            (Literal::from(true), "true"),
            (
                Literal::from(date!(2025 - 08 - 01)),
                "datetime'2025-08-01T00:00:00'",
            ),
            (Literal::from(Decimal::new(-125, 1)), "-12.5M"),
            (
                Literal::from(Decimal::MAX),
                "79228162514264337593543950335M",
            ),
        ] {
            assert_eq!(literal.to_string(), expected);
        }
    }

    #[test]
    fn conditions_nest_in_brackets() {
        let equals = |text: &str| Filter::equals(NUMBER, text);
        let contains = |text: &str| Filter::contains(NAME, text);
        for (filter, expected) in [
            (Filter::all([]), None),
            (Filter::any([]), None),
            (Filter::all([equals("1")]), Some("PurchaseOrder eq '1'")),
            (
                Filter::all([
                    equals("1"),
                    Filter::any([contains("a"), contains("b")]).unwrap(),
                ]),
                Some(
                    "(PurchaseOrder eq '1' and (substringof('a',SupplierName) or substringof('b',SupplierName)))",
                ),
            ),
            (
                Filter::one_of(NUMBER, ["1", "2"]),
                Some("(PurchaseOrder eq '1' or PurchaseOrder eq '2')"),
            ),
            (
                Filter::all([
                    Filter::compare(NUMBER, Comparison::GreaterOrEqual, "1"),
                    Filter::compare(NUMBER, Comparison::LessOrEqual, "5"),
                    Filter::compare(NUMBER, Comparison::Greater, "0"),
                    Filter::compare(NUMBER, Comparison::Less, "6"),
                    Filter::compare(NUMBER, Comparison::NotEqual, "3"),
                    Filter::not(Filter::equals(NAME, "x")),
                ]),
                Some(
                    "(PurchaseOrder ge '1' and PurchaseOrder le '5' and PurchaseOrder gt '0' and PurchaseOrder lt '6' \
                     and PurchaseOrder ne '3' and not (SupplierName eq 'x'))",
                ),
            ),
        ] {
            assert_eq!(filter.map(|filter| filter.to_string()).as_deref(), expected);
        }
    }

    /// Reads an Edm.String literal back the way a server does; `None` when it does not span the text.
    fn unquoted(literal: &str) -> Option<String> {
        let mut inner = literal.strip_prefix('\'')?.strip_suffix('\'')?.chars();
        let mut text = String::new();
        while let Some(c) = inner.next() {
            if c == '\'' && inner.next() != Some('\'') {
                return None;
            }
            text.push(c);
        }
        Some(text)
    }

    fn check_contained(hostile: &str) {
        let url = url(Some(Filter::equals(NUMBER, hostile)));
        let raw = url.query().unwrap();
        assert_eq!(raw.matches('&').count(), 5, "{raw}");
        assert!(!raw.contains(['\'', ' ', '#', '\r', '\n', '+']), "{raw}");
        let filter = url.query_pairs().find(|(name, _)| name == "$filter");
        let filter = filter.unwrap().1.into_owned();
        let literal = filter.strip_prefix("PurchaseOrder eq ").unwrap();
        assert_eq!(unquoted(literal).as_deref(), Some(hostile), "{filter}");
    }

    #[test]
    fn nothing_a_caller_sends_leaves_its_literal() {
        for hostile in [
            "A' or Supplier ne 'x",
            "O'Brien & Sons",
            "''",
            "'",
            "x&$top=100000",
            "x%27 or 1 eq 1",
            "x%2527",
            "a+b c#d?e/f\\",
            "') or substringof('",
            "שלום",
            "line\r\nHost: evil",
            "\u{0}",
        ] {
            check_contained(hostile);
        }
    }

    proptest! {
        #[test]
        fn no_text_at_all_leaves_its_literal(hostile in r"(?s)('|''|%27|&|\$|or |[\x00-\x{10FFFF}]){0,12}") {
            check_contained(&hostile);
        }

        #[test]
        fn the_length_in_a_url_is_known(text in any::<String>()) {
            let mut query = String::new();
            append(&mut query, "x", &text);
            prop_assert_eq!(query.len(), 2 + encoded_len(&text));
        }
    }
}
