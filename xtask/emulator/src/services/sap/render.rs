//! The JSON envelopes of OData v2: everything under `d`, `__metadata` in every entity.

use serde_json::{Map, Value as Json, json};

use super::{
    entities::{EntitySet, Multiplicity, Row},
    projection::{Expansion, Projection},
    query::Page,
    seed::Seed,
    value::Value,
};

/// Writes entities of one service.
#[derive(Debug)]
pub(crate) struct Renderer<'a> {
    /// URL of the service, without a trailing slash.
    pub(crate) service_url: String,
    /// Name of the service, the namespace of its types.
    pub(crate) namespace: &'a str,
    /// Where navigations are followed.
    pub(crate) seed: &'a Seed,
}

impl<'a> Renderer<'a> {
    /// `{"d":{...}}`
    pub(crate) fn entity(&self, set: &EntitySet, row: &Row<'a>, projection: &Projection) -> Json {
        json!({"d": self.object(set, row, projection)})
    }

    /// `{"d":{"__count":"n","results":[...],"__next":"..."}}`; `path` is the resource path of the next link.
    pub(crate) fn collection(
        &self,
        set: &EntitySet,
        page: &Page<'a>,
        projection: &Projection,
        path: &str,
    ) -> Json {
        let mut inner = Map::new();
        if let Some(count) = page.count {
            inner.insert("__count".to_owned(), Json::String(count.to_string()));
        }
        let results = page
            .rows
            .iter()
            .map(|row| self.object(set, row, projection))
            .collect();
        inner.insert("results".to_owned(), Json::Array(results));
        if let Some(next) = &page.next {
            inner.insert(
                "__next".to_owned(),
                Json::String(format!("{}/{path}?{next}", self.service_url)),
            );
        }
        json!({"d": inner})
    }

    fn object(&self, set: &EntitySet, row: &Row<'a>, projection: &Projection) -> Json {
        let uri = format!(
            "{}/{}{}",
            self.service_url,
            set.name,
            key_predicate(set, row)
        );
        let mut object = Map::new();
        object.insert(
            "__metadata".to_owned(),
            json!({"id": uri, "uri": uri, "type": format!("{}.{}", self.namespace, set.type_name)}),
        );
        for property in &projection.properties {
            object.insert(
                property.name.to_owned(),
                (property.get)(row).to_json(property.edm.scale()),
            );
        }
        for (navigation, expansion) in &projection.navigations {
            let shown = match expansion {
                Expansion::Deferred => {
                    json!({"__deferred": {"uri": format!("{uri}/{}", navigation.name)}})
                }
                Expansion::Inline(inner) => {
                    let rows = (navigation.rows)(self.seed, row);
                    let mut results = rows
                        .iter()
                        .map(|row| self.object(navigation.target, row, inner));
                    match navigation.multiplicity {
                        Multiplicity::Many => json!({"results": results.collect::<Vec<_>>()}),
                        Multiplicity::One => results.next().unwrap_or(Json::Null),
                    }
                }
            };
            object.insert(navigation.name.to_owned(), shown);
        }
        Json::Object(object)
    }
}

/// `('x')` for a key of one property, `(A='x',B='y')` for a longer one.
pub(crate) fn key_predicate(set: &EntitySet, row: &Row<'_>) -> String {
    let value = |name: &str| {
        let property = set.property(name).expect("key properties are properties");
        match (property.get)(row) {
            // Doubled like any string literal, then escaped like any path.
            Value::Text(text) => {
                url::form_urlencoded::byte_serialize(text.replace('\'', "''").as_bytes())
                    .collect::<String>()
            }
            _ => String::new(),
        }
    };
    match set.key {
        [name] => format!("('{}')", value(name)),
        names => {
            let pairs: Vec<_> = names
                .iter()
                .map(|name| format!("{name}='{}'", value(name)))
                .collect();
            format!("({})", pairs.join(","))
        }
    }
}
