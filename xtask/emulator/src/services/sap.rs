//! An SAP system's OData v2 service for purchase orders, read-only, as SAP Gateway serves it.
//!
//! The service lies at `/sap/opu/odata/sap/C_PURCHASEORDER_FS_SRV`. Its sets are `I_PurchaseOrder`,
//! `I_PurchaseOrderItem`, `C_PurchaseOrderFs` (with `to_PurchaseOrderItem`) and `C_PurOrdItemEnh`; the last
//! one is, as in SAP, where that navigation leads.
//!
//! Only JSON is served: a client that would get Atom from SAP, because it asked for nothing else, gets 501 here.
//! Client 100 is the only one. Collections are cut at 1,000 rows when `$top` is absent, at 5,000 otherwise.
//!
//! # The data
//! 2,100 orders, 4500000001 to 4500002124 with 24 numbers missing (4500000013 is the first of them);
//! the system's today is 2025-08-31. Amounts are written with three decimals whatever the currency has.
//!
//! | orders | what is odd about them |
//! |---|---|
//! | 4500000007 | price unit 100: 25,000 bolts at 4.20 for 100 |
//! | 4500000011 | EUR, company code 1010 |
//! | 4500000033, ..34, ..1188 | JPY, a currency without decimals |
//! | 4500000042, ..311, ..902, ..1402 | supplier `O'Connor & Sons Cycle Parts` |
//! | 4500000058 | item 20 is deleted |
//! | 4500000063 | item 20 is a return of 24 wheels |
//! | 4500000077, ..940 | services: no material, units AU and H, no goods receipt |
//! | 4500000081 | ILS, short texts in Hebrew |
//! | 4500000140 | KWD, a currency with three decimals |
//! | 4500000205 | four units of measure, fractional quantities |
//! | 4500000206 | a line free of charge |
//! | 4500000240 | forty lines |
//! | 4500000301 | the whole order is deleted |
//! | 4500000350 | stock transport (type UB): no supplier, no terms, plant 1720 supplies, price zero |
//! | 4500000402 | on hold, without any line |
//! | 4500000450 | a short text that gives orders to whoever reads it |
//! | 4500000451 | a short text with quotes, angle brackets and an ampersand |
//! | 4500000460, ..480 | umlauts, decimal commas inside short texts |
//! | 4500000520 | the documented order: 7 lines, 2,896 pieces, 209,236.00 USD, delivered and invoiced |
//! | 4500000525 | supplier 17300001, a vendor number of digits |
//! | 4500001810 | one line done, one delivered but not invoiced, two open |
//! | 4500001818 to ..1867 | the newest fifty by date, August 2025, two suppliers, 29 of them USSU-VSF04 |
//! | 4500001868 to ..2081 | migrated: created on 2025-08-30, dated June and July 2025 |
//! | 4500002082 to ..2124 | migrated: 43 sets of 7 bicycle parts, dated early August, nothing delivered or invoiced |

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{clock, context::Context, protocol::OperationName};

mod entities;
mod errors;
mod filter;
mod metadata;
mod path;
mod projection;
mod query;
mod render;
mod seed;
mod value;

use entities::{EntitySet, Row, Service};
use errors::ODataError;
use path::Resource;
use query::Query;
use render::Renderer;
use seed::Seed;
use value::Value;

/// Where OData v2 services of the `sap` namespace lie, below the prefix.
const ODATA_ROOT: &str = "/opu/odata/sap/";
/// The one client (tenant) of the system.
const CLIENT: &str = "100";

/// The service's routes.
pub fn router(context: Arc<Context>) -> Router {
    Router::new().fallback(handle).with_state(context)
}

async fn handle(
    State(context): State<Arc<Context>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let query = uri.query().unwrap_or("");
    let Some(rest) = uri
        .path()
        .strip_prefix(ODATA_ROOT)
        .filter(|rest| !rest.is_empty())
    else {
        return html(
            StatusCode::NOT_FOUND,
            "Not found",
            "The requested resource does not exist.",
        );
    };
    if !authorized(&context, &headers) || !knows_client(query, &headers) {
        let mut response = html(
            StatusCode::UNAUTHORIZED,
            "Logon failed",
            "Anmeldung fehlgeschlagen / Logon failed.",
        );
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"SAP NetWeaver Application Server [FLW/100]\""),
        );
        return response;
    }
    let segments: Vec<String> = rest
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decode)
        .collect();
    let (service, segments) = segments
        .split_first()
        .map_or(("", [].as_slice()), |(first, rest)| (first.as_str(), rest));
    let representation = representation(query, &headers);
    let mut operation = None;
    let result = path::service(service).and_then(|service| {
        if method != Method::GET && method != Method::HEAD {
            return Err(ODataError::MethodNotAllowed(method.to_string()));
        }
        let resource = path::resource(service, segments)?;
        operation = Some(OperationName(resource.operation()));
        let service_url = format!("{}/sap{ODATA_ROOT}{}", context.url, service.name);
        answer(service, &service_url, &resource, query, representation)
    });
    let mut response = result.unwrap_or_else(|error| {
        error.response(
            service,
            &uri.to_string(),
            representation == Representation::Json,
            clock::now(),
        )
    });
    if let Some(operation) = operation {
        response.extensions_mut().insert(operation);
    }
    let headers = response.headers_mut();
    headers.insert("dataserviceversion", HeaderValue::from_static("2.0"));
    headers.append(
        header::SET_COOKIE,
        HeaderValue::from_static("sap-usercontext=sap-client=100; path=/"),
    );
    response
}

/// What the client can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Representation {
    Json,
    /// What SAP sends to a client that does not say.
    Atom,
    Other,
}

/// `$format` decides; without it, `Accept` does.
fn representation(query: &str, headers: &HeaderMap) -> Representation {
    if let Some(format) = option(query, "$format") {
        return match format.as_str() {
            "json" => Representation::Json,
            "atom" | "xml" => Representation::Atom,
            _ => Representation::Other,
        };
    }
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or("*/*");
    if accept.contains("application/json") {
        Representation::Json
    } else if accept.contains("*/*") || accept.contains("xml") {
        Representation::Atom
    } else {
        Representation::Other
    }
}

/// The value of a query option.
fn option(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn authorized(context: &Context, headers: &HeaderMap) -> bool {
    let expected = format!(
        "{}:{}",
        context.world.sap.username, context.world.sap.password
    );
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, credentials)| BASE64_STANDARD.decode(credentials.trim()).ok())
        .is_some_and(|credentials| credentials == expected.as_bytes())
}

/// `sap-client` as query option or header; the default client without it.
fn knows_client(query: &str, headers: &HeaderMap) -> bool {
    let header = || {
        headers
            .get("sap-client")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    option(query, "sap-client")
        .or_else(header)
        .is_none_or(|client| client == CLIENT)
}

fn decode(segment: &str) -> String {
    // A plus sign in a path is a plus sign; the form decoder would make it a space.
    let escaped = segment.replace('+', "%2B");
    url::form_urlencoded::parse(escaped.replace('=', "%3D").replace('&', "%26").as_bytes())
        .next()
        .map_or_else(String::new, |(key, _)| key.into_owned())
}

fn answer(
    service: &'static Service,
    service_url: &str,
    resource: &Resource,
    query: &str,
    representation: Representation,
) -> Result<Response, ODataError> {
    let seed = Seed::shared();
    let renderer = Renderer {
        service_url: service_url.to_owned(),
        namespace: service.name,
    };
    match resource {
        Resource::Metadata => Ok(body(
            "application/xml;charset=utf-8",
            metadata::edmx(service, service_url),
        )),
        Resource::ServiceDocument => {
            expect_json(representation, "the service document")?;
            Ok(json(&metadata::service_document(service)))
        }
        Resource::Set { set, count: true } => {
            let query = Query::parse(query, set)?;
            Ok(body(
                "text/plain;charset=utf-8",
                query.select(set, seed).len().to_string(),
            ))
        }
        Resource::Set { set, count: false } => {
            expect_json(representation, set.name)?;
            let query = Query::parse(query, set)?;
            let page = query.page(query.select(set, seed));
            Ok(json(&renderer.collection(
                set,
                &page,
                &query.projection,
                set.name,
            )))
        }
        Resource::Entity { set, key } => {
            expect_json(representation, set.name)?;
            let query = Query::parse(query, set)?;
            let row = entity(set, key, seed)?;
            Ok(json(&renderer.entity(set, &row, &query.projection)))
        }
        Resource::Navigation {
            set,
            key,
            navigation,
            count,
        } => {
            let query = Query::parse(query, navigation.target)?;
            let rows = query.filter_rows((navigation.rows)(&entity(set, key, seed)?));
            if *count {
                return Ok(body("text/plain;charset=utf-8", rows.len().to_string()));
            }
            expect_json(representation, navigation.name)?;
            let path = format!("{}('{}')/{}", set.name, key.join("','"), navigation.name);
            Ok(json(&renderer.collection(
                navigation.target,
                &query.page(rows),
                &query.projection,
                &path,
            )))
        }
    }
}

/// The entity with that key. Every key begins with the order number.
fn entity<'a>(set: &EntitySet, key: &[String], seed: &'a Seed) -> Result<Row<'a>, ODataError> {
    let has_key = |row: &Row<'a>| {
        set.key.iter().zip(key).all(|(name, wanted)| {
            let value = set.property(name).map(|property| (property.get)(row));
            matches!(value, Some(Value::Text(text)) if text == *wanted)
        })
    };
    (set.rows)(seed, key.first().map(String::as_str))
        .into_iter()
        .find(has_key)
        .ok_or(ODataError::NoSuchEntity {
            entity_type: set.type_name,
        })
}

fn expect_json(representation: Representation, what: &str) -> Result<(), ODataError> {
    match representation {
        Representation::Json => Ok(()),
        Representation::Atom => Err(ODataError::NotImplemented(format!(
            "the Atom form of {what}: ask with $format=json or Accept: application/json"
        ))),
        Representation::Other => Err(ODataError::NotAcceptable(what.to_owned())),
    }
}

fn json(value: &serde_json::Value) -> Response {
    body("application/json;charset=utf-8", value.to_string())
}

fn body(content_type: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

fn html(status: StatusCode, title: &str, text: &str) -> Response {
    let page = format!(
        "<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    );
    (
        status,
        [(header::CONTENT_TYPE, "text/html;charset=utf-8")],
        page,
    )
        .into_response()
}
