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
    /// 400 on a name that the set does not have, 501 on more than one level.
    pub(crate) fn parse(
        select: Option<&str>,
        expand: &str,
        set: &'static EntitySet,
    ) -> Result<Self, ODataError> {
        let mut expanded: Vec<&'static str> = Vec::new();
        for path in list(expand) {
            let name = path.split('/').next().unwrap_or(path);
            let navigation = set
                .navigation(name)
                .ok_or_else(|| set.unknown_property(name))?;
            if path.contains('/') {
                return Err(ODataError::NotImplemented(format!(
                    "$expand over more than one level ({path})"
                )));
            }
            expanded.push(navigation.name);
        }
        let selected: Option<Vec<&str>> = select
            .map(|text| list(text).collect())
            .filter(|names: &Vec<_>| !names.contains(&"*"));
        let inner_selects = |navigation: &Navigation| -> Option<Vec<&str>> {
            let prefix = format!("{}/", navigation.name);
            let names: Vec<_> = selected
                .as_ref()?
                .iter()
                .filter_map(|name| name.strip_prefix(&prefix))
                .collect();
            (!names.is_empty()).then_some(names)
        };
        for name in selected.iter().flatten() {
            let first = name.split('/').next().unwrap_or(name);
            let known = if name.contains('/') {
                expanded.contains(&first)
            } else {
                set.property(name).is_some() || set.navigation(name).is_some()
            };
            if !known {
                return Err(set.unknown_property(name));
            }
        }
        let shown = |name: &str| selected.as_ref().is_none_or(|names| names.contains(&name));
        let mut navigations = Vec::new();
        for navigation in set.navigations {
            let inner = inner_selects(navigation);
            if !shown(navigation.name) && inner.is_none() {
                continue;
            }
            let expansion = if expanded.contains(&navigation.name) {
                let inner = inner.map(|names| names.join(","));
                Expansion::Inline(Projection::parse(inner.as_deref(), "", navigation.target)?)
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
        check("", &[], &[("to_PurchaseOrderItem", None)]);
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
            &[("to_PurchaseOrderItem", Some(all_of_an_item))],
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
