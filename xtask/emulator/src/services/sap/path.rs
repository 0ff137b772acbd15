//! Resource paths: which set, entity or system resource a URL names.

use super::{
    entities::{EntitySet, Multiplicity, Navigation, Property, SERVICES, Service},
    errors::ODataError,
    filter::lexer::quoted,
};

/// What a path below a service names.
#[derive(Debug)]
pub(crate) enum Resource {
    ServiceDocument,
    Metadata,
    Set {
        set: &'static EntitySet,
        count: bool,
    },
    Entity {
        set: &'static EntitySet,
        key: Key,
    },
    Navigation {
        set: &'static EntitySet,
        key: Key,
        navigation: &'static Navigation,
        count: bool,
    },
    /// One property of an entity; `raw` is its value alone (`/$value`).
    Property {
        set: &'static EntitySet,
        key: Key,
        property: &'static Property,
        raw: bool,
    },
}

/// Values of the key properties, in the order of the type's key.
pub(crate) type Key = Vec<String>;

impl Resource {
    /// The name under which the request log files the request.
    pub(crate) fn operation(&self) -> String {
        let counted = |count: bool| if count { "/$count" } else { "" };
        match self {
            Resource::ServiceDocument => "service document".to_owned(),
            Resource::Metadata => "$metadata".to_owned(),
            Resource::Set { set, count } => format!("{}{}", set.name, counted(*count)),
            Resource::Entity { set, key: _ } => format!("{}(key)", set.name),
            Resource::Navigation {
                set,
                key: _,
                navigation,
                count,
            } => {
                format!("{}(key)/{}{}", set.name, navigation.name, counted(*count))
            }
            Resource::Property {
                set,
                key: _,
                property,
                raw: _,
            } => format!("{}(key)/{}", set.name, property.name),
        }
    }
}

/// The service that a segment such as `C_PURCHASEORDER_FS_SRV` or `C_PURCHASEORDER_FS_SRV;v=1` names.
///
/// # Errors
/// 403 when there is none of that name and version.
pub(crate) fn service(segment: &str) -> Result<&'static Service, ODataError> {
    let (name, version) = segment.split_once(";v=").unwrap_or((segment, "1"));
    SERVICES
        .iter()
        .copied()
        .find(|service| service.name == name && version == "1")
        .ok_or_else(|| ODataError::UnknownService {
            service: name.to_owned(),
            version: format!("{version:0>4}"),
        })
}

/// The resource that the decoded segments behind the service name.
///
/// # Errors
/// 404 for an unknown segment, 400 for a malformed key predicate, 501 for paths that are not served.
pub(crate) fn resource(
    service: &'static Service,
    segments: &[String],
) -> Result<Resource, ODataError> {
    let mut segments = segments.iter().map(String::as_str);
    let first = match segments.next() {
        None | Some("") => return Ok(Resource::ServiceDocument),
        Some("$metadata") => return Ok(Resource::Metadata),
        Some("$batch") => return Err(ODataError::NotImplemented("$batch".to_owned())),
        Some(first) => first,
    };
    let (name, predicate) = match first.split_once('(') {
        Some((name, rest)) => (
            name,
            Some(rest.strip_suffix(')').ok_or_else(|| invalid_key(first))?),
        ),
        None => (first, None),
    };
    let set = service
        .set(name)
        .ok_or_else(|| ODataError::UnknownSegment(name.to_owned()))?;
    let Some(predicate) = predicate else {
        let count = end(segments)?;
        return Ok(Resource::Set { set, count });
    };
    let key = key(predicate, set).ok_or_else(|| invalid_key(first))?;
    let Some(next) = segments.next() else {
        return Ok(Resource::Entity { set, key });
    };
    if let Some((name, _)) = next
        .split_once('(')
        .filter(|(name, _)| set.navigation(name).is_some())
    {
        return Err(ODataError::NotImplemented(format!(
            "a key behind the navigation {name}"
        )));
    }
    if let Some(navigation) = set.navigation(next) {
        let count = end(segments)?;
        if count && navigation.multiplicity == Multiplicity::One {
            return Err(ODataError::UnknownSegment("$count".to_owned()));
        }
        return Ok(Resource::Navigation {
            set,
            key,
            navigation,
            count,
        });
    }
    if let Some(property) = set.property(next) {
        let raw = match (segments.next(), segments.next()) {
            (None, _) => false,
            (Some("$value"), None) => true,
            (Some(other), _) => return Err(ODataError::UnknownSegment(other.to_owned())),
        };
        return Ok(Resource::Property {
            set,
            key,
            property,
            raw,
        });
    }
    if matches!(next, "$value" | "$links") {
        return Err(ODataError::NotImplemented(format!(
            "the path {first}/{next}"
        )));
    }
    Err(ODataError::UnknownSegment(next.to_owned()))
}

/// What may follow a collection: nothing, or `$count` (then true).
fn end<'a>(mut segments: impl Iterator<Item = &'a str>) -> Result<bool, ODataError> {
    match (segments.next(), segments.next()) {
        (None, _) => Ok(false),
        (Some("$count"), None) => Ok(true),
        (Some(other), _) => Err(ODataError::UnknownSegment(other.to_owned())),
    }
}

fn invalid_key(segment: &str) -> ODataError {
    ODataError::Invalid(format!("Invalid key predicate in segment '{segment}'"))
}

/// Values of `'x'` or `A='x',B='y'`; all keys here are strings.
fn key(predicate: &str, set: &EntitySet) -> Option<Key> {
    let mut values: Vec<Option<String>> = vec![None; set.key.len()];
    let mut rest = predicate;
    loop {
        let quote = rest.find('\'')?;
        let name = rest[..quote].trim();
        let index = match name.strip_suffix('=') {
            Some(name) => set.key.iter().position(|key| *key == name.trim())?,
            None if name.is_empty() && set.key.len() == 1 => 0,
            None => return None,
        };
        let (value, length) = quoted(&rest[quote..], quote).ok()?;
        if values[index].replace(value).is_some() {
            return None;
        }
        rest = rest[quote + length..].trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.is_empty() => break,
            None => return None,
        }
    }
    values.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |path: &str, expected: Result<(&str, Option<&[&str]>), &str>| {
            let segments: Vec<String> = path
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(str::to_owned)
                .collect();
            let found = resource(SERVICES[0], &segments).map_err(|error| error.to_string());
            let shown = found.map(|resource| {
                let key = match &resource {
                    Resource::Entity { set: _, key }
                    | Resource::Navigation {
                        set: _,
                        key,
                        navigation: _,
                        count: _,
                    }
                    | Resource::Property {
                        set: _,
                        key,
                        property: _,
                        raw: _,
                    } => Some(key.clone()),
                    _ => None,
                };
                (resource.operation(), key)
            });
            let expected = expected
                .map(|(name, key)| {
                    (
                        name.to_owned(),
                        key.map(|key| key.iter().map(|value| (*value).to_owned()).collect()),
                    )
                })
                .map_err(str::to_owned);
            assert_eq!(shown, expected, "{path}");
        };
        check("", Ok(("service document", None)));
        check("$metadata", Ok(("$metadata", None)));
        check("I_PurchaseOrder", Ok(("I_PurchaseOrder", None)));
        check(
            "I_PurchaseOrder/$count",
            Ok(("I_PurchaseOrder/$count", None)),
        );
        check(
            "I_PurchaseOrder('1')",
            Ok(("I_PurchaseOrder(key)", Some(&["1"]))),
        );
        check(
            "I_PurchaseOrder(PurchaseOrder='1')",
            Ok(("I_PurchaseOrder(key)", Some(&["1"]))),
        );
        check(
            "I_PurchaseOrder('O''Connor')",
            Ok(("I_PurchaseOrder(key)", Some(&["O'Connor"]))),
        );
        check(
            "I_PurchaseOrderItem(PurchaseOrderItem='00010', PurchaseOrder='1')",
            Ok(("I_PurchaseOrderItem(key)", Some(&["1", "00010"]))),
        );
        check(
            "C_PurchaseOrderFs('1')/to_PurchaseOrderItem/$count",
            Ok((
                "C_PurchaseOrderFs(key)/to_PurchaseOrderItem/$count",
                Some(&["1"]),
            )),
        );
        check("Nothing", Err("Resource not found for segment 'Nothing'"));
        check(
            "I_PurchaseOrder/more",
            Err("Resource not found for segment 'more'"),
        );
        check(
            "I_PurchaseOrder('1')/more",
            Err("Resource not found for segment 'more'"),
        );
        check(
            "I_PurchaseOrder(1)",
            Err("Invalid key predicate in segment 'I_PurchaseOrder(1)'"),
        );
        check(
            "I_PurchaseOrder('1'",
            Err("Invalid key predicate in segment 'I_PurchaseOrder('1''"),
        );
        check(
            "I_PurchaseOrderItem('1')",
            Err("Invalid key predicate in segment 'I_PurchaseOrderItem('1')'"),
        );
        check(
            "I_PurchaseOrderItem(PurchaseOrder='1')",
            Err("Invalid key predicate in segment 'I_PurchaseOrderItem(PurchaseOrder='1')'"),
        );
        check(
            "I_PurchaseOrder('1')/Supplier/$value",
            Ok(("I_PurchaseOrder(key)/Supplier", Some(&["1"]))),
        );
        check(
            "I_PurchaseOrder('1')/Supplier/$count",
            Err("Resource not found for segment '$count'"),
        );
        check(
            "I_PurchaseOrder('1')/$links",
            Err("the SAP emulator does not implement the path I_PurchaseOrder('1')/$links"),
        );
        check("$batch", Err("the SAP emulator does not implement $batch"));
    }

    #[test]
    fn services() {
        assert_eq!(
            service("C_PURCHASEORDER_FS_SRV").unwrap().name,
            "C_PURCHASEORDER_FS_SRV"
        );
        assert_eq!(
            service("C_PURCHASEORDER_FS_SRV;v=1").unwrap().name,
            "C_PURCHASEORDER_FS_SRV"
        );
        let error = service("C_PURCHASEORDER_FS_SRV;v=2")
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "No service found for namespace '', name 'C_PURCHASEORDER_FS_SRV', version '0002'"
        );
    }
}
