//! Queries as values.
//!
//! A filter is built from fields that are compiled in and literals that are typed, and is turned into text
//! in one place. What a caller supplies can only ever end up inside a quoted literal: quotes are doubled
//! there (OData v2 `''`) and afterwards everything but unreserved characters is percent-encoded, so it can
//! end neither the literal nor the query option.

use std::fmt::{self, Write as _};

use url::Url;

/// A property name. Only constants make one.
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

/// A condition of `$filter`. String comparison in SAP is case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// `Field eq 'text'`
    Equals(Field, String),
    /// `substringof('text',Field)`
    Contains(Field, String),
    /// All hold.
    All(Vec<Filter>),
    /// At least one holds.
    Any(Vec<Filter>),
}

impl Filter {
    /// Any of `values` in `field`: the way to ask for many keys in one request.
    pub fn any_of(field: Field, values: impl IntoIterator<Item = String>) -> Self {
        Self::Any(
            values
                .into_iter()
                .map(|value| Self::Equals(field, value))
                .collect(),
        )
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(field, text) => write!(f, "{} eq {}", field.0, Quoted(text)),
            Self::Contains(field, text) => write!(f, "substringof({},{})", Quoted(text), field.0),
            Self::All(parts) => joined(f, parts, " and "),
            Self::Any(parts) => joined(f, parts, " or "),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Filter], operator: &str) -> fmt::Result {
    if let [only] = parts {
        return write!(f, "{only}");
    }
    f.write_char('(')?;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(operator)?;
        }
        write!(f, "{part}")?;
    }
    f.write_char(')')
}

/// An Edm.String literal.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
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
    pub set: &'static str,
    /// Properties to return; never empty, because these entities have up to 200.
    pub select: &'static [Field],
    /// Condition.
    pub filter: Filter,
    /// Total order; ends with a key, otherwise pages overlap.
    pub order_by: Vec<(Field, Direction)>,
    /// `$top`: rows wanted over all pages.
    pub top: usize,
}

impl Query {
    /// The request URL under the service root, asking for JSON and for the count over all pages.
    pub fn url(&self, service: &Url) -> Url {
        let names = |fields: &[Field]| {
            fields
                .iter()
                .map(|field| field.0)
                .collect::<Vec<_>>()
                .join(",")
        };
        let order: Vec<String> = self
            .order_by
            .iter()
            .map(|(field, direction)| match direction {
                Direction::Ascending => format!("{} asc", field.0),
                Direction::Descending => format!("{} desc", field.0),
            })
            .collect();
        let mut query = String::new();
        for (option, value) in [
            ("$filter", self.filter.to_string()),
            ("$select", names(self.select)),
            ("$orderby", order.join(",")),
            ("$top", self.top.to_string()),
            ("$inlinecount", "allpages".to_owned()),
            ("$format", "json".to_owned()),
        ] {
            append(&mut query, option, &value);
        }
        let mut url = service.clone();
        url.set_path(&format!("{}{}", service.path(), self.set));
        url.set_query(Some(&query));
        url
    }
}

/// Appends `name=value` to a query string, percent-encoding the value; `name` is a constant of ours.
pub(crate) fn append(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            query.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(query, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: Field = Field::new("PurchaseOrder");
    const NAME: Field = Field::new("SupplierName");

    fn filter_of(url: &Url) -> String {
        url.query_pairs()
            .find(|(name, _)| name == "$filter")
            .unwrap()
            .1
            .into_owned()
    }

    fn url(filter: Filter) -> Url {
        let query = Query {
            set: "Orders",
            select: &[NUMBER, NAME],
            filter,
            order_by: vec![
                (NAME, Direction::Descending),
                (NUMBER, Direction::Ascending),
            ],
            top: 5,
        };
        query.url(&Url::parse("https://sap.example/odata/SRV;v=2/").unwrap())
    }

    #[test]
    fn the_whole_url() {
        insta::assert_snapshot!(
            url(Filter::Equals(NUMBER, "4500000520".to_owned())),
            @"https://sap.example/odata/SRV;v=2/Orders?$filter=PurchaseOrder%20eq%20%274500000520%27&$select=PurchaseOrder%2CSupplierName&$orderby=SupplierName%20desc%2CPurchaseOrder%20asc&$top=5&$inlinecount=allpages&$format=json"
        );
    }

    #[test]
    fn conditions_nest_in_brackets() {
        let equals = |text: &str| Filter::Equals(NUMBER, text.to_owned());
        let contains = |text: &str| Filter::Contains(NAME, text.to_owned());
        for (filter, expected) in [
            (Filter::All(vec![equals("1")]), "PurchaseOrder eq '1'"),
            (
                Filter::All(vec![
                    equals("1"),
                    Filter::Any(vec![contains("a"), contains("b")]),
                ]),
                "(PurchaseOrder eq '1' and (substringof('a',SupplierName) or substringof('b',SupplierName)))",
            ),
            (
                Filter::any_of(NUMBER, ["1".to_owned(), "2".to_owned()]),
                "(PurchaseOrder eq '1' or PurchaseOrder eq '2')",
            ),
        ] {
            assert_eq!(filter.to_string(), expected);
        }
    }

    /// Reads an Edm.String literal back the way a server does; `None` when it does not span the text.
    fn unquoted(literal: &str) -> Option<String> {
        let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
        let collapsed = inner.replace("''", "\u{0}");
        (!collapsed.contains('\'')).then(|| collapsed.replace('\u{0}', "'"))
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
        ] {
            let url = url(Filter::Equals(NUMBER, hostile.to_owned()));
            let raw = url.query().unwrap();
            assert_eq!(raw.matches('&').count(), 5, "{raw}");
            assert!(!raw.contains(['\'', ' ', '#', '\r', '\n', '+']), "{raw}");
            let filter = filter_of(&url);
            let literal = filter.strip_prefix("PurchaseOrder eq ").unwrap();
            assert_eq!(unquoted(literal).as_deref(), Some(hostile), "{filter}");
        }
    }
}
