//! An SAP system's OData v2 services for purchase orders and stock, read-only, as SAP Gateway serves them.
//!
//! | service, below `/sap/opu/odata/sap/` | sets |
//! |---|---|
//! | `C_PURCHASEORDER_FS_SRV` | `I_PurchaseOrder`, `I_PurchaseOrderItem` (both without navigation), `C_PurchaseOrderFs`, `C_PurOrdItemEnh`, `I_PurchaseOrderScheduleLine`, `C_PurchaseOrderGoodsReceipt` |
//! | `API_PURCHASEORDER_PROCESS_SRV` | `A_PurchaseOrder`, `A_PurchaseOrderItem`, `A_PurchaseOrderScheduleLine` |
//! | `API_MATERIAL_STOCK_SRV` | `A_MatlStkInAcctMod`, `A_MaterialStock` |
//! | `API_MATERIAL_DOCUMENT_SRV` | `A_MaterialDocumentHeader`, `A_MaterialDocumentItem` |
//!
//! Only JSON is served: a client that would get Atom from SAP, because it asked for nothing else, gets 501 here.
//! Client 100 is the only one; `sap-language` is read by nobody, for the system speaks English alone. Collections are
//! cut at 1,000 rows when `$top` is absent, at 5,000 otherwise. Five wrong passwords in a row lock the user until
//! `POST /_emulator/sap/unlock`; `POST /_emulator/sap/throttle` makes the next requests fail with 429 or 503.
//!
//! # The data
//! 2,100 orders, 4500000001 to 4500002124 with 24 numbers missing (4500000013 is the first of them);
//! the system's today is 2025-08-31. Amounts are written with three decimals whatever the currency has.
//! Every line has one schedule line, or two with different dates; every delivered line has receipts of exactly its
//! quantity, save the two named below; a third of the open lines of 4500001500 to ..2081 has partly come.
//! Open is what is ordered less what was received, net of reversals, and nothing for lines that are delivered,
//! deleted, returns, or expect no receipt.
//!
//! | orders | what is odd about them |
//! |---|---|
//! | 4500000007 | price unit 100: 25,000 bolts at 4.20 for 100 |
//! | 4500000011 | EUR, company code 1010 |
//! | 4500000033, ..34, ..1188 | JPY, a currency without decimals |
//! | 4500000042, ..311, ..902, ..1402 | supplier `O'Connor & Sons Cycle Parts` |
//! | 4500000058 | item 20 is deleted |
//! | 4500000063 | item 20 is a return of 24 wheels: movement type 161 |
//! | 4500000077, ..940 | services: no material, units AU and H, no goods receipt |
//! | 4500000081 | ILS, short texts in Hebrew |
//! | 4500000140 | KWD, a currency with three decimals |
//! | 4500000205 | four units of measure, fractional quantities; of item 20 140 M came, 2.75 more than ordered |
//! | 4500000206 | a line free of charge |
//! | 4500000240 | forty lines |
//! | 4500000301 | the whole order is deleted |
//! | 4500000350 | stock transport (type UB): no supplier, no terms, plant 1720 supplies, price zero |
//! | 4500000402 | on hold, without any line |
//! | 4500000450 | a short text that gives orders to whoever reads it |
//! | 4500000451 | a short text with quotes, angle brackets and an ampersand |
//! | 4500000460, ..480 | umlauts, decimal commas inside short texts |
//! | 4500000490 | GBP; 398.5 M came of the 400 ordered, and final delivery is noted: nothing is open |
//! | 4500000520 | the documented order: 7 lines, 2,896 pieces, 209,236.00 USD, delivered and invoiced |
//! | 4500000520 | its frames came in two parts, 262 on 2019-11-11 and 100 on 2024-03-15: material document 5000012345 |
//! | 4500000525 | supplier 17300001, a vendor number of digits |
//! | 4500001514 | item 10: four more than ordered came, and no final delivery is noted: nothing is open |
//! | 4500001569 | item 10: a receipt of 40 and its reversal (101, 102): all of it is open |
//! | 4500001686 | item 10: 30 came, 5 went back to the supplier (122): 25 received |
//! | 4500001810 | one line done, one delivered but not invoiced, two open; item 20 was received, reversed and received again |
//! | 4500001818 to ..1867 | the newest fifty by date, August 2025, two suppliers, 29 of them USSU-VSF04 |
//! | 4500001868 to ..2081 | migrated: created on 2025-08-30, dated June and July 2025 |
//! | 4500002082 to ..2124 | migrated: 43 sets of 7 bicycle parts, dated early August, nothing delivered or invoiced |
//!
//! Material documents begin at 2019-01-02 with initial stock (561) and hold one transfer (311) of 2025-08-20; these two
//! have no order. Stock is 199 records, about 411 thousand in four units that do not add up, 165 of them below ten;
//! `FS-HB-M5X20` has consignment, `MZ-FG-C990` sales order and `MZ-RM-C990-05` project stock, and many materials lie in
//! the plants 1710 and 1010 both.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use crate::{clock, context::Context, protocol::OperationName};

mod control;
mod entities;
mod errors;
mod filter;
mod logon;
mod metadata;
mod path;
mod projection;
mod query;
mod render;
mod seed;
mod throttle;
mod value;

use entities::{EntitySet, Multiplicity, Row, Service};
use errors::ODataError;
use logon::Logon;
use path::Resource;
use query::Query;
use render::{Renderer, key_predicate};
use seed::Seed;
use throttle::Throttle;
use value::Value;

/// Where OData v2 services of the `sap` namespace lie, below the prefix.
const ODATA_ROOT: &str = "/opu/odata/sap/";
/// The state of the running system. The data never change.
#[derive(Debug)]
struct Sap {
    context: Arc<Context>,
    logon: Logon,
    throttle: Throttle,
}

/// The service under `/sap`, and what steers it under `/_emulator/sap`.
pub fn router(context: Arc<Context>) -> Router {
    let sap = Arc::new(Sap {
        context,
        logon: Logon::default(),
        throttle: Throttle::default(),
    });
    let service = Router::new().fallback(handle).with_state(Arc::clone(&sap));
    Router::new()
        .nest("/sap", service)
        .nest("/_emulator/sap", control::router(sap))
}

async fn handle(
    State(sap): State<Arc<Sap>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = sap.throttle.refusal() {
        return refusal;
    }
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
    if !sap.logon.admits(&sap.context.world.sap, query, &headers) {
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
        let service_url = format!("{}/sap{ODATA_ROOT}{}", sap.context.url, service.name);
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
        seed,
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
        Resource::Property {
            set,
            key,
            property,
            raw,
        } => {
            let value = (property.get)(&entity(set, key, seed)?).to_json(property.edm.scale());
            if *raw {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                return Ok(body("text/plain;charset=utf-8", text));
            }
            expect_json(representation, property.name)?;
            Ok(json(&serde_json::json!({"d": {property.name: value}})))
        }
        Resource::Navigation {
            set,
            key,
            navigation,
            count,
        } => {
            let query = Query::parse(query, navigation.target)?;
            let from = entity(set, key, seed)?;
            let rows = query.filter_rows(navigation.target, (navigation.rows)(seed, &from));
            if *count {
                return Ok(body("text/plain;charset=utf-8", rows.len().to_string()));
            }
            expect_json(representation, navigation.name)?;
            if navigation.multiplicity == Multiplicity::One {
                let row = rows.first().ok_or(ODataError::NoSuchEntity {
                    entity_type: navigation.target.type_name,
                })?;
                return Ok(json(&renderer.entity(
                    navigation.target,
                    row,
                    &query.projection,
                )));
            }
            let path = format!(
                "{}{}/{}",
                set.name,
                key_predicate(set, &from),
                navigation.name
            );
            Ok(json(&renderer.collection(
                navigation.target,
                &query.page(rows),
                &query.projection,
                &path,
            )))
        }
    }
}

/// The entity with that key.
fn entity<'a>(set: &EntitySet, key: &[String], seed: &'a Seed) -> Result<Row<'a>, ODataError> {
    let has_key = |row: &Row<'a>| {
        set.key.iter().zip(key).all(|(name, wanted)| {
            let value = set.property(name).map(|property| (property.get)(row));
            matches!(value, Some(Value::Text(text)) if text == *wanted)
        })
    };
    let known = set
        .index
        .and_then(|index| set.key.iter().position(|name| *name == index))
        .and_then(|at| key.get(at));
    (set.rows)(seed, known.map(String::as_str))
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
