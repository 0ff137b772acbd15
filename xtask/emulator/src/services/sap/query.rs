//! Query options of a request, checked against the set, and their application to its rows.

use std::cmp::Ordering;

use super::{
    entities::{EntitySet, Property, Row},
    errors::ODataError,
    filter::Filter,
    projection::{Projection, list},
    seed::Seed,
    value::Value,
};

/// Rows of one answer when `$top` is absent (SAP KBA 3072317).
const DEFAULT_PAGE: usize = 1_000;
/// Rows of one answer at most, whatever `$top` says.
const LARGEST_PAGE: usize = 5_000;

/// The options of one request.
#[derive(Debug)]
pub(crate) struct Query {
    filter: Option<Filter>,
    order_by: Vec<(&'static Property, Descending)>,
    pub(crate) projection: Projection,
    top: Option<usize>,
    skip: usize,
    /// Where the page begins, counted from `skip`.
    skip_token: usize,
    inline_count: bool,
    /// Text that one of the searchable properties holds, in lower case.
    search: Option<String>,
    /// The options as they came, without `$skiptoken`: the next page is asked for with the same ones.
    raw: Vec<String>,
}

/// `desc` in `$orderby`.
type Descending = bool;

/// One page of a collection.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) rows: Vec<Row<'a>>,
    /// Rows that match before paging, if it was asked for.
    pub(crate) count: Option<usize>,
    /// Query string of the next page, if there is one.
    pub(crate) next: Option<String>,
}

impl Query {
    /// Reads the query string of a request for entities of `set`.
    ///
    /// # Errors
    /// 400 on a malformed, repeated or unknown system option and on unknown names; 501 on what is not served.
    pub(crate) fn parse(query: &str, set: &'static EntitySet) -> Result<Self, ODataError> {
        let mut given = Given::default();
        let mut raw = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = url::form_urlencoded::parse(part.as_bytes())
                .next()
                .unwrap_or_default();
            if name != "$skiptoken" {
                raw.push(part.to_owned());
            }
            if let Some(slot) = given.slot(&name)? {
                if slot.is_some() {
                    return Err(ODataError::Invalid(format!(
                        "Query option {name} is given twice"
                    )));
                }
                *slot = Some(value.into_owned());
            }
        }
        let filter = given
            .filter
            .map(|text| Filter::parse(&text, set))
            .transpose()?;
        let inline_count = match given.inline_count.as_deref() {
            None | Some("none") => false,
            Some("allpages") => true,
            Some(other) => {
                return Err(ODataError::Invalid(format!(
                    "Invalid value '{other}' for $inlinecount"
                )));
            }
        };
        if given.search.is_some() && set.searchable.is_empty() {
            return Err(ODataError::Invalid(format!(
                "Entity set {} is not searchable",
                set.name
            )));
        }
        Ok(Query {
            filter,
            order_by: order_by(given.order_by.as_deref().unwrap_or(""), set)?,
            projection: Projection::parse(
                given.select.as_deref(),
                given.expand.as_deref().unwrap_or(""),
                set,
            )?,
            top: given.top.map(|text| count("$top", &text)).transpose()?,
            skip: given.skip.map_or(Ok(0), |text| count("$skip", &text))?,
            skip_token: given
                .skip_token
                .map_or(Ok(0), |text| count("$skiptoken", &text))?,
            inline_count,
            search: given.search.map(|text| text.to_lowercase()),
            raw,
        })
    }

    /// The rows of `set` that the filter accepts, in key order.
    pub(crate) fn select<'a>(&self, set: &EntitySet, seed: &'a Seed) -> Vec<Row<'a>> {
        let known = set
            .index
            .zip(self.filter.as_ref())
            .and_then(|(index, filter)| filter.required_text(index));
        self.filter_rows(set, (set.rows)(seed, known))
    }

    /// Those of `rows`, all of `set`, that filter and search accept.
    pub(crate) fn filter_rows<'a>(&self, set: &EntitySet, mut rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
        if let Some(filter) = &self.filter {
            rows.retain(|row| filter.accepts(row));
        }
        if let Some(text) = &self.search {
            let properties: Vec<_> = set
                .searchable
                .iter()
                .filter_map(|name| set.property(name))
                .collect();
            rows.retain(|row| {
                properties.iter().any(|property| {
                    matches!((property.get)(row), Value::Text(value) if value.to_lowercase().contains(text))
                })
            });
        }
        rows
    }

    /// Sorts and cuts filtered rows into the page asked for.
    pub(crate) fn page<'a>(&self, mut rows: Vec<Row<'a>>) -> Page<'a> {
        let count = self.inline_count.then_some(rows.len());
        rows.sort_by(|a, b| self.order(a, b));
        let wanted = rows
            .into_iter()
            .skip(self.skip)
            .take(self.top.unwrap_or(usize::MAX));
        let size = self.top.map_or(DEFAULT_PAGE, |top| top.min(LARGEST_PAGE));
        let mut rest = wanted.skip(self.skip_token);
        let rows: Vec<_> = rest.by_ref().take(size).collect();
        let next = (size > 0 && rest.next().is_some()).then(|| {
            let mut options = self.raw.clone();
            options.push(format!("$skiptoken={}", self.skip_token + rows.len()));
            options.join("&")
        });
        Page { rows, count, next }
    }

    /// Rows that SAP finds equal stay in key order here.
    fn order(&self, a: &Row<'_>, b: &Row<'_>) -> Ordering {
        self.order_by
            .iter()
            .map(|(property, descending)| {
                let ordering = (property.get)(a).order(&(property.get)(b));
                if *descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

/// The system query options as text.
#[derive(Debug, Default)]
struct Given {
    filter: Option<String>,
    select: Option<String>,
    expand: Option<String>,
    order_by: Option<String>,
    top: Option<String>,
    skip: Option<String>,
    skip_token: Option<String>,
    inline_count: Option<String>,
    format: Option<String>,
    search: Option<String>,
}

impl Given {
    /// Where the value of that option goes; none for options that are not OData's.
    fn slot(&mut self, name: &str) -> Result<Option<&mut Option<String>>, ODataError> {
        Ok(Some(match name {
            "$filter" => &mut self.filter,
            "$select" => &mut self.select,
            "$expand" => &mut self.expand,
            "$orderby" => &mut self.order_by,
            "$top" => &mut self.top,
            "$skip" => &mut self.skip,
            "$skiptoken" => &mut self.skip_token,
            "$inlinecount" => &mut self.inline_count,
            // Read by the router, which decides on the representation.
            "$format" => &mut self.format,
            "search" => &mut self.search,
            _ if name.starts_with('$') => {
                return Err(ODataError::Invalid(format!(
                    "Invalid system query option {name}"
                )));
            }
            _ => return Ok(None),
        }))
    }
}

fn count(option: &str, text: &str) -> Result<usize, ODataError> {
    text.parse::<u32>()
        .map(|number| number as usize)
        .map_err(|_| {
            ODataError::Invalid(format!(
                "Invalid value '{text}' for {option}: a whole number from 0 is expected"
            ))
        })
}

fn order_by(
    text: &str,
    set: &'static EntitySet,
) -> Result<Vec<(&'static Property, Descending)>, ODataError> {
    list(text)
        .map(|part| {
            let (name, direction) = part
                .split_once(char::is_whitespace)
                .unwrap_or((part, "asc"));
            let descending = match direction.trim() {
                "asc" => false,
                "desc" => true,
                other => {
                    return Err(ODataError::Invalid(format!(
                        "Invalid direction '{other}' in $orderby"
                    )));
                }
            };
            if name.contains('/') {
                return Err(ODataError::NotImplemented(format!(
                    "navigation path {name} in $orderby"
                )));
            }
            let property = set
                .property(name)
                .ok_or_else(|| set.unknown_property(name))?;
            if !property.sortable() {
                return Err(ODataError::Invalid(format!(
                    "Property {name} of type {} is not sortable",
                    set.type_name
                )));
            }
            Ok((property, descending))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sap::entities::SERVICES;

    fn page(set: &str, query: &str) -> Result<(usize, Option<usize>, Option<String>), ODataError> {
        let set = SERVICES[0].set(set).unwrap();
        let query = Query::parse(query, set)?;
        let page = query.page(query.select(set, Seed::shared()));
        Ok((page.rows.len(), page.count, page.next))
    }

    #[test]
    fn pages() {
        let check = |query: &str, rows: usize, count: Option<usize>, next: Option<&str>| {
            assert_eq!(
                page("I_PurchaseOrder", query),
                Ok((rows, count, next.map(str::to_owned))),
                "{query}"
            );
        };
        check("", 1_000, None, Some("$skiptoken=1000"));
        check("$skiptoken=1000", 1_000, None, Some("$skiptoken=2000"));
        check(
            "$skiptoken=2000&$inlinecount=allpages",
            100,
            Some(2_100),
            None,
        );
        check("$top=5", 5, None, None);
        check("$top=0&$inlinecount=allpages", 0, Some(2_100), None);
        check("$top=1500", 1_500, None, None);
        check("$skip=2090", 10, None, None);
        check("$skip=9999", 0, None, None);
        check(
            "$skip=50&sap-client=100",
            1_000,
            None,
            Some("$skip=50&sap-client=100&$skiptoken=1000"),
        );
        check("$skip=50&sap-client=100&$skiptoken=2000", 50, None, None);
        check(
            "$filter=PurchaseOrder%20eq%20%274500000520%27&$inlinecount=allpages",
            1,
            Some(1),
            None,
        );
        check("%24top=3", 3, None, None);
        assert_eq!(
            page("I_PurchaseOrderItem", "$top=6000").map(|(rows, _, next)| (rows, next)),
            Ok((5_000, Some("$top=6000&$skiptoken=5000".to_owned())))
        );
        assert_eq!(
            page("I_PurchaseOrderItem", "$top=6000&$skiptoken=5000")
                .map(|(rows, _, next)| (rows, next)),
            Ok((1_000, None))
        );
    }

    #[test]
    fn refusals() {
        let check = |query: &str, expected: &str| {
            assert_eq!(
                page("C_PurchaseOrderFs", query)
                    .expect_err(query)
                    .to_string(),
                expected,
                "{query}"
            );
        };
        check(
            "$select=PurchaseOrder,Colour",
            "Property Colour not found in type C_PurchaseOrderFsType",
        );
        check(
            "$select=to_PurchaseOrderItem/Material",
            "Property to_PurchaseOrderItem/Material not found in type C_PurchaseOrderFsType",
        );
        check(
            "$select=to_PurchaseOrderItem/Colour&$expand=to_PurchaseOrderItem",
            "Property Colour not found in type C_PurOrdItemEnhType",
        );
        check(
            "$expand=to_Supplier",
            "Property to_Supplier not found in type C_PurchaseOrderFsType",
        );
        check(
            "$orderby=Colour",
            "Property Colour not found in type C_PurchaseOrderFsType",
        );
        check(
            "$orderby=PurchaseOrder down",
            "Invalid direction 'down' in $orderby",
        );
        check(
            "$top=-1",
            "Invalid value '-1' for $top: a whole number from 0 is expected",
        );
        check("$top=1&$top=2", "Query option $top is given twice");
        check("$inlinecount=yes", "Invalid value 'yes' for $inlinecount");
        check(
            "$skiptoken=abc",
            "Invalid value 'abc' for $skiptoken: a whole number from 0 is expected",
        );
        check("$apply=x", "Invalid system query option $apply");
        check(
            "$orderby=to_PurchaseOrderItem/Material",
            "the SAP emulator does not implement navigation path to_PurchaseOrderItem/Material in $orderby",
        );
        assert_eq!(
            page("I_PurchaseOrder", "search=x").unwrap_err().to_string(),
            "Entity set I_PurchaseOrder is not searchable"
        );
        assert_eq!(
            page("I_PurchaseOrderScheduleLine", "$orderby=ID")
                .unwrap_err()
                .to_string(),
            "Property ID of type I_PurchaseOrderScheduleLineType is not sortable"
        );
    }

    #[test]
    fn search_looks_into_the_searchable_properties() {
        let check = |query: &str, expected: usize| {
            let found = page("C_PurchaseOrderFs", query).map(|(rows, _, _)| rows);
            assert_eq!(found, Ok(expected), "{query}");
        };
        check("search=o%27connor", 4);
        check("search=4500000520", 1);
        check("search=USSU-VSF10", 1);
        check("search=nobody", 0);
        check(
            "search=o%27connor&$filter=PurchaseOrder%20gt%20%274500000400%27",
            2,
        );
    }

    #[test]
    fn orders_by_several_properties() {
        let set = SERVICES[0].set("I_PurchaseOrder").unwrap();
        let query = Query::parse(
            "$orderby=PurchaseOrderDate%20desc,PurchaseOrder%20desc&$top=3",
            set,
        )
        .unwrap();
        let rows = query.page(query.select(set, Seed::shared())).rows;
        let numbers: Vec<_> = rows
            .iter()
            .map(|row| match row {
                Row::Order(order) => order.number.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(numbers, ["4500001867", "4500001866", "4500001865"]);
    }
}
