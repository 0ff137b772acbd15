//! `$select` and `$expand`: which parts of an entity are shown.

use super::{
    entities::{EntitySet, Navigation, Property},
    errors::ODataError,
};

/// Which properties and navigations of an entity are shown.
#[derive(Debug)]
pub(crate) struct Projection {
    pub(crate) properties: Vec<&'static Property>,
    pub(crate) navigations: Vec<(&'static Navigation, Expansion)>,
}

/// How a navigation property is shown.
#[derive(Debug)]
pub(crate) enum Expansion {
    /// As a link.
    Deferred,
    /// With its entities in it.
    Inline(Projection),
}

impl Projection {
    /// Combines `$select` and `$expand`: an expanded navigation is shown when `$select` is absent or names it.
    ///
    /// # Errors
    /// 400 on a name that the set does not have or that is selected below a navigation that is not expanded.
    pub(crate) fn parse(
        select: Option<&str>,
        expand: &str,
        set: &'static EntitySet,
    ) -> Result<Self, ODataError> {
        let select = select.map(|text| list(text).collect::<Vec<_>>());
        Self::level(select.as_deref(), &list(expand).collect::<Vec<_>>(), set, 0)
    }

    /// One level: `select` and `expand` are paths that begin at `set`.
    fn level(
        select: Option<&[&str]>,
        expand: &[&str],
        set: &'static EntitySet,
        depth: usize,
    ) -> Result<Self, ODataError> {
        if depth > MAX_DEPTH {
            return Err(ODataError::Invalid(format!(
                "$expand is more than {MAX_DEPTH} levels deep"
            )));
        }
        for path in expand {
            let name = first(path);
            if set.navigation(name).is_none() {
                return Err(set.unknown_property(name));
            }
        }
        let select = select.filter(|names| !names.contains(&"*"));
        for path in select.unwrap_or_default() {
            let name = first(path);
            let known = if *path == name {
                set.property(name).is_some() || set.navigation(name).is_some()
            } else {
                expand.iter().any(|expanded| first(expanded) == name)
            };
            if !known {
                return Err(set.unknown_property(path));
            }
        }
        let shown = |name: &str| select.is_none_or(|names| names.contains(&name));
        let mut navigations = Vec::new();
        for navigation in set.navigations {
            let inner_select = below(select.unwrap_or_default(), navigation.name);
            if !shown(navigation.name) && inner_select.is_empty() {
                continue;
            }
            let expanded = expand.iter().any(|path| first(path) == navigation.name);
            let expansion = if expanded {
                // The navigation's own name asks for all of it.
                let all = shown(navigation.name);
                Expansion::Inline(Self::level(
                    (!all).then_some(&inner_select),
                    &below(expand, navigation.name),
                    navigation.target,
                    depth + 1,
                )?)
            } else {
                Expansion::Deferred
            };
            navigations.push((navigation, expansion));
        }
        Ok(Self {
            properties: set
                .properties
                .iter()
                .filter(|property| shown(property.name))
                .collect(),
            navigations,
        })
    }
}

/// Deeper than any path through the services leads anywhere new.
const MAX_DEPTH: usize = 8;

/// The first segment of a path.
fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// What the paths say below that navigation.
fn below<'a>(paths: &[&'a str], navigation: &str) -> Vec<&'a str> {
    paths
        .iter()
        .filter_map(|path| path.strip_prefix(navigation)?.strip_prefix('/'))
        .collect()
}

/// Parts of a comma-separated option.
pub(crate) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sap::entities::SERVICES;

    #[test]
    fn projections() {
        let check = |query: &str, properties: &[&str], navigations: &[(&str, Option<usize>)]| {
            let set = SERVICES[0].set("C_PurchaseOrderFs").unwrap();
            let option = |name: &str| {
                let mut options = url::form_urlencoded::parse(query.as_bytes());
                options
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.into_owned())
            };
            let (select, expand) = (option("$select"), option("$expand").unwrap_or_default());
            let projection = Projection::parse(select.as_deref(), &expand, set).unwrap();
            if !properties.is_empty() {
                assert_eq!(
                    projection
                        .properties
                        .iter()
                        .map(|property| property.name)
                        .collect::<Vec<_>>(),
                    properties,
                    "{query}"
                );
            }
            let shown: Vec<_> = projection
                .navigations
                .iter()
                .map(|(navigation, expansion)| match expansion {
                    Expansion::Deferred => (navigation.name, None),
                    Expansion::Inline(inner) => (navigation.name, Some(inner.properties.len())),
                })
                .collect();
            assert_eq!(shown, navigations, "{query}");
        };
        let all_of_an_item = SERVICES[0].set("C_PurOrdItemEnh").unwrap().properties.len();
        let (items, receipts) = ("to_PurchaseOrderItem", "to_PurchaseOrderGoodsReceipt");
        check("", &[], &[(items, None), (receipts, None)]);
        check(
            "$select=Supplier,PurchaseOrder",
            &["PurchaseOrder", "Supplier"],
            &[],
        );
        check(
            "$select=Supplier,to_PurchaseOrderItem",
            &["Supplier"],
            &[("to_PurchaseOrderItem", None)],
        );
        check(
            "$expand=to_PurchaseOrderItem",
            &[],
            &[(items, Some(all_of_an_item)), (receipts, None)],
        );
        check(
            "$expand=to_PurchaseOrderItem&$select=Supplier",
            &["Supplier"],
            &[],
        );
        check(
            "$expand=to_PurchaseOrderItem&$select=Supplier,to_PurchaseOrderItem/Material,to_PurchaseOrderItem/NetAmount",
            &["Supplier"],
            &[("to_PurchaseOrderItem", Some(2))],
        );
    }
}
