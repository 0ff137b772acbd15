//! Whether a request to SAP is one that the function would make by itself.

use std::collections::{BTreeMap, BTreeSet};

use emulator::requests::Recorded;

use super::Target;

const BASE: &str = "/sap/opu/odata/sap/";
/// Options that the function uses; each at most once.
const OPTIONS: [&str; 9] = [
    "$filter",
    "$top",
    "$skip",
    "$select",
    "$orderby",
    "$inlinecount",
    "$format",
    "sap-client",
    "sap-language",
];
/// Words of a filter that are no names of properties. `0` is there for comparisons with nothing.
const WORDS: [&str; 17] = [
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "gt",
    "ge",
    "lt",
    "le",
    "true",
    "false",
    "substringof",
    "startswith",
    "tolower",
    "toupper",
    "datetime'?'",
    "'?'",
];
/// Most rows that one request may ask for.
const MAX_ROWS: usize = 5000;

/// The entity sets of the services and the properties of all.
pub(super) struct Known {
    sets: BTreeMap<String, BTreeSet<String>>,
    properties: BTreeSet<String>,
}

impl Known {
    /// From the services' own `$metadata`.
    pub(super) async fn of(target: &Target) -> Self {
        let mut known = Self {
            sets: BTreeMap::new(),
            properties: BTreeSet::new(),
        };
        let sap = &target.test.context().world.sap;
        for service in [
            "C_PURCHASEORDER_FS_SRV",
            "API_PURCHASEORDER_PROCESS_SRV",
            "API_MATERIAL_STOCK_SRV",
            "API_MATERIAL_DOCUMENT_SRV",
        ] {
            let url = format!("{}{BASE}{service}/$metadata", target.test.url());
            let request = target
                .http
                .get(url)
                .basic_auth(&sap.username, Some(&sap.password));
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200, "{service}");
            let text = response.text().await.unwrap();
            let names = |tag: &str| -> BTreeSet<String> {
                let open = format!("<{tag} Name=\"");
                text.split(&open)
                    .skip(1)
                    .map(|rest| rest.split('"').next().unwrap().to_owned())
                    .collect()
            };
            known.properties.extend(names("Property"));
            known.sets.insert(service.to_owned(), names("EntitySet"));
        }
        known
    }

    /// What is wrong with a request.
    pub(super) fn objection(&self, request: &Recorded) -> Option<String> {
        let query = request.query.as_deref().unwrap_or_default();
        let because = |why: String| {
            Some(format!(
                "{why}: {} {} {query} -> {}",
                request.method, request.path, request.status
            ))
        };
        if request.method != "GET" {
            return because("not a read".to_owned());
        }
        if ![200, 404].contains(&request.status) {
            return because("SAP did not understand".to_owned());
        }
        if !self.is_place(&request.path) {
            return because("not a place the function reads".to_owned());
        }
        let mut seen = BTreeSet::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            if !OPTIONS.contains(&name) || !seen.insert(name) {
                return because(format!("option {name}"));
            }
            let is_right = match name {
                "$filter" => self.is_filter(value),
                "$top" | "$skip" => value.parse::<usize>().is_ok_and(|count| count <= MAX_ROWS),
                "$select" => value.split(',').all(|name| self.properties.contains(name)),
                "$orderby" => value.split(',').all(|part| {
                    let mut words = part.split(' ');
                    words
                        .next()
                        .is_some_and(|name| self.properties.contains(name))
                        && words.all(|word| ["asc", "desc"].contains(&word))
                }),
                "$inlinecount" => value == "allpages",
                "$format" => value == "json",
                "sap-client" => value == "100",
                _ => value == "EN",
            };
            if !is_right {
                return because(format!("value of {name}"));
            }
        }
        None
    }

    /// `<service>/<set>` or `<service>/<set>('<key>')`, the key made of letters, digits and `-`.
    fn is_place(&self, path: &str) -> bool {
        let Some((service, rest)) = path
            .strip_prefix(BASE)
            .and_then(|rest| rest.split_once('/'))
        else {
            return false;
        };
        let (set, key) = match rest.split_once('(') {
            None => (rest, ""),
            Some((set, key)) => match key
                .strip_prefix('\'')
                .or_else(|| key.strip_prefix("%27"))
                .and_then(|key| key.strip_suffix("')").or_else(|| key.strip_suffix("%27)")))
            {
                Some(key) => (set, key),
                None => return false,
            },
        };
        self.sets
            .get(service)
            .is_some_and(|sets| sets.contains(set))
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }

    /// Known words and properties, and masked literals; a number only where a quantity is compared with nothing.
    fn is_filter(&self, filter: &str) -> bool {
        let words = filter.split([' ', '(', ')', ',']);
        words.filter(|word| !word.is_empty()).all(|word| {
            WORDS.contains(&word)
                || self.properties.contains(word)
                || ["0", "0M", "0m"].contains(&word)
        })
    }
}

#[test]
fn what_nobody_meant_is_noticed() {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let known = Known {
        sets: BTreeMap::from([("S_SRV".to_owned(), names(&["Orders"]))]),
        properties: names(&["Order", "Supplier"]),
    };
    let objects = |method: &str, place: &str, query: &str, status: u16| {
        let request = Recorded {
            seq: 1,
            service: "sap".to_owned(),
            operation: None,
            method: method.to_owned(),
            path: format!("{BASE}{place}"),
            query: Some(query.to_owned()),
            status,
            correlation_id: None,
            at: emulator::clock::now(),
        };
        known.objection(&request).is_some()
    };
    for (place, query) in [
        ("S_SRV/Orders", ""),
        ("S_SRV/Orders('45-x')", "$format=json"),
        (
            "S_SRV/Orders",
            "$filter=(substringof('?',Supplier) or Order eq '?')&$top=20&sap-client=100",
        ),
        ("S_SRV/Orders", "$select=Order,Supplier&$orderby=Order desc"),
    ] {
        assert!(!objects("GET", place, query, 200), "{place}?{query}");
    }
    let orders = "S_SRV/Orders";
    for (method, place, query, status) in [
        ("POST", orders, "", 200),
        ("GET", orders, "", 400),
        ("GET", orders, "", 501),
        ("GET", "S_SRV/Others", "", 200),
        ("GET", "T_SRV/Orders", "", 200),
        ("GET", "S_SRV/$metadata", "", 200),
        ("GET", "S_SRV/Orders/../Orders", "", 200),
        ("GET", "S_SRV/Orders('4','5')", "", 200),
        ("GET", "S_SRV/Orders('4')/Items", "", 200),
        ("GET", "S_SRV/Orders(4)", "", 200),
        ("GET", orders, "$filter=Order eq '?' or 1 eq 1", 200),
        ("GET", orders, "$filter=Order eq '!", 200),
        (
            "GET",
            orders,
            "$filter=Order eq '?' or Password ne '?'",
            200,
        ),
        ("GET", orders, "$filter=length(Supplier) gt 0", 200),
        ("GET", orders, "$top=1&$top=99999", 200),
        ("GET", orders, "$top=99999", 200),
        ("GET", orders, "$expand=Supplier", 200),
        ("GET", orders, "sap-client=000", 200),
        ("GET", orders, "$orderby=Supplier desc;x", 200),
    ] {
        assert!(
            objects(method, place, query, status),
            "{method} {place}?{query}"
        );
    }
}
