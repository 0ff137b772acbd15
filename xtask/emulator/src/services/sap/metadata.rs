//! The service document and `$metadata`, written from the same tables as the answers.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::entities::{Annotation, EdmType, EntitySet, Multiplicity, Property, Service};

/// The service document: names of the sets.
pub(crate) fn service_document(service: &Service) -> Json {
    let names: Vec<_> = service.sets.iter().map(|set| set.name).collect();
    json!({"d": {"EntitySets": names}})
}

/// The EDMX document of a service; `service_url` has no trailing slash.
pub(crate) fn edmx(service: &Service, service_url: &str) -> String {
    let mut types = String::new();
    let mut associations = String::new();
    let mut sets = String::new();
    let mut association_sets = String::new();
    for set in service.sets {
        types.push_str(&entity_type(service, set));
        let _ = write!(
            sets,
            "<EntitySet Name=\"{}\" EntityType=\"{}.{}\" sap:creatable=\"false\" sap:updatable=\"false\" \
             sap:deletable=\"false\"{} sap:content-version=\"1\"/>",
            set.name,
            service.name,
            set.type_name,
            if set.searchable.is_empty() {
                ""
            } else {
                " sap:searchable=\"true\""
            },
        );
        for navigation in set.navigations {
            let association = association_name(set, navigation.name);
            let (from, to) = (set.type_name, navigation.target.type_name);
            let (from_many, to_many) = match navigation.multiplicity {
                Multiplicity::Many => ("1", "*"),
                Multiplicity::One => ("*", "1"),
            };
            let _ = write!(
                associations,
                "<Association Name=\"{association}\" sap:content-version=\"1\">\
                 <End Type=\"{service}.{from}\" Multiplicity=\"{from_many}\" Role=\"FromRole\"/>\
                 <End Type=\"{service}.{to}\" Multiplicity=\"{to_many}\" Role=\"ToRole\"/></Association>",
                service = service.name,
            );
            let _ = write!(
                association_sets,
                "<AssociationSet Name=\"{association}Set\" Association=\"{}.{association}\" sap:creatable=\"false\" \
                 sap:updatable=\"false\" sap:deletable=\"false\" sap:content-version=\"1\">\
                 <End EntitySet=\"{}\" Role=\"FromRole\"/><End EntitySet=\"{}\" Role=\"ToRole\"/></AssociationSet>",
                service.name, set.name, navigation.target.name
            );
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\" \
         xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\" \
         xmlns:sap=\"http://www.sap.com/Protocols/SAPData\"><edmx:DataServices m:DataServiceVersion=\"2.0\">\
         <Schema Namespace=\"{name}\" xml:lang=\"en\" sap:schema-version=\"1\" \
         xmlns=\"http://schemas.microsoft.com/ado/2008/09/edm\">{types}{associations}\
         <EntityContainer Name=\"{name}_Entities\" m:IsDefaultEntityContainer=\"true\" sap:supported-formats=\"json\">\
         {sets}{association_sets}</EntityContainer>\
         <atom:link rel=\"self\" href=\"{url}/$metadata\" xmlns:atom=\"http://www.w3.org/2005/Atom\"/>\
         <atom:link rel=\"latest-version\" href=\"{url}/$metadata\" xmlns:atom=\"http://www.w3.org/2005/Atom\"/>\
         </Schema></edmx:DataServices></edmx:Edmx>",
        name = service.name,
        url = escape(service_url),
    )
}

fn association_name(set: &EntitySet, navigation: &str) -> String {
    format!("{}_{navigation}", set.name)
}

fn entity_type(service: &Service, set: &EntitySet) -> String {
    let mut text = format!(
        "<EntityType Name=\"{}\"{} sap:label=\"{}\" sap:content-version=\"1\"><Key>",
        set.type_name,
        if set.aggregate {
            " sap:semantics=\"aggregate\""
        } else {
            ""
        },
        escape(set.label)
    );
    for key in set.key {
        let _ = write!(text, "<PropertyRef Name=\"{key}\"/>");
    }
    text.push_str("</Key>");
    for item in set.properties {
        text.push_str(&property(item, set.key.contains(&item.name)));
    }
    for navigation in set.navigations {
        let _ = write!(
            text,
            "<NavigationProperty Name=\"{}\" Relationship=\"{}.{}\" FromRole=\"FromRole\" ToRole=\"ToRole\"/>",
            navigation.name,
            service.name,
            association_name(set, navigation.name)
        );
    }
    text.push_str("</EntityType>");
    text
}

fn property(property: &Property, is_key: bool) -> String {
    let facets = match property.edm {
        EdmType::Boolean => "Edm.Boolean\"".to_owned(),
        EdmType::String { max_length: 0 } => "Edm.String\"".to_owned(),
        EdmType::String { max_length } => format!("Edm.String\" MaxLength=\"{max_length}\""),
        EdmType::Decimal { precision, scale } => {
            format!("Edm.Decimal\" Precision=\"{precision}\" Scale=\"{scale}\"")
        }
        EdmType::Date => "Edm.DateTime\" Precision=\"0\" sap:display-format=\"Date\"".to_owned(),
        EdmType::DateTimeOffset => "Edm.DateTimeOffset\" Precision=\"7\"".to_owned(),
        EdmType::Time => "Edm.Time\" Precision=\"0\"".to_owned(),
    };
    let annotation = match property.annotation {
        Annotation::None => String::new(),
        Annotation::UpperCase => " sap:display-format=\"UpperCase\"".to_owned(),
        Annotation::NonNegative => " sap:display-format=\"NonNegative\"".to_owned(),
        Annotation::Text(other) => {
            format!(" sap:display-format=\"UpperCase\" sap:text=\"{other}\"")
        }
        Annotation::Unit(other) => format!(" sap:unit=\"{other}\""),
        Annotation::Measure(other) => format!(
            " sap:aggregation-role=\"measure\" sap:unit=\"{other}\" sap:filterable=\"false\""
        ),
        Annotation::Generated => " sap:sortable=\"false\" sap:filterable=\"false\"".to_owned(),
        Annotation::CurrencyCode => " sap:semantics=\"currency-code\"".to_owned(),
        Annotation::UnitOfMeasure => " sap:semantics=\"unit-of-measure\"".to_owned(),
    };
    let nullable = if is_key { " Nullable=\"false\"" } else { "" };
    format!(
        "<Property Name=\"{}\" Type=\"{facets}{nullable}{annotation} sap:label=\"{}\" sap:creatable=\"false\" sap:updatable=\"false\"/>",
        property.name,
        escape(property.label)
    )
}

/// Text as XML character data or attribute value.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::sap::entities::SERVICES;

    #[test]
    fn annotations_name_properties_of_the_same_type() {
        for set in SERVICES.iter().flat_map(|service| service.sets) {
            for property in set.properties {
                if let Annotation::Text(other)
                | Annotation::Unit(other)
                | Annotation::Measure(other) = property.annotation
                {
                    assert!(
                        set.property(other).is_some(),
                        "{}.{} points at {other}",
                        set.name,
                        property.name
                    );
                }
            }
            for name in set.key.iter().chain(set.searchable).chain(&set.index) {
                assert!(set.property(name).is_some(), "{}: {name}", set.name);
            }
            let names: std::collections::BTreeSet<_> = set
                .properties
                .iter()
                .map(|property| property.name)
                .collect();
            assert_eq!(names.len(), set.properties.len(), "{}", set.name);
        }
    }

    #[test]
    fn a_property_with_all_its_facets() {
        let set = SERVICES[0].set("I_PurchaseOrderItem").unwrap();
        insta::assert_snapshot!(property(set.property("OrderQuantity").unwrap(), false), @r#"<Property Name="OrderQuantity" Type="Edm.Decimal" Precision="13" Scale="3" sap:unit="PurchaseOrderQuantityUnit" sap:label="Order Quantity" sap:creatable="false" sap:updatable="false"/>"#);
        let measures = SERVICES[0].set("I_PurchaseOrderScheduleLine").unwrap();
        insta::assert_snapshot!(property(measures.property("OpenPurchaseOrderQuantity").unwrap(), false), @r#"<Property Name="OpenPurchaseOrderQuantity" Type="Edm.Decimal" Precision="13" Scale="3" sap:aggregation-role="measure" sap:unit="PurchaseOrderQuantityUnit" sap:filterable="false" sap:label="Open Quantity" sap:creatable="false" sap:updatable="false"/>"#);
        insta::assert_snapshot!(property(measures.property("ID").unwrap(), true), @r#"<Property Name="ID" Type="Edm.String" Nullable="false" sap:sortable="false" sap:filterable="false" sap:label="ID" sap:creatable="false" sap:updatable="false"/>"#);
        insta::assert_snapshot!(property(set.property("PurchaseOrder").unwrap(), true), @r#"<Property Name="PurchaseOrder" Type="Edm.String" MaxLength="10" Nullable="false" sap:display-format="UpperCase" sap:label="Purchase Order" sap:creatable="false" sap:updatable="false"/>"#);
    }
}
