//! Purchase orders, read directly from SAP's OData service: what the agent's own tools say is no witness of itself.

use std::time::Duration;

use anyhow::Context as _;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use time::{Date, OffsetDateTime};
use url::Url;

use crate::config::ConfigError;
use crate::environment::Environment;

/// Setting: where SAP's OData services begin, `https://host/sap/opu/odata/sap`.
const BASE_URL: &str = "FLYWHEEL_SAP_BASE_URL";
/// Setting: the Secrets Manager secret with `{"username", "password"}` of a user who may read.
const SECRET_ID: &str = "FLYWHEEL_SAP_SECRET_ID";
/// SAP's purchase-order service: the sets `C_PurchaseOrderFs` and `I_PurchaseOrderItem`.
const SERVICE: &str = "C_PURCHASEORDER_FS_SRV";
/// Lines of one order that are read; more is an error, for a sum would be too small.
const MAX_LINES: usize = 1_000;
/// Longest request.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// Largest answer, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// SAP gave no data.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SapError {
    /// No answer.
    #[error("ask SAP for {what}")]
    Transport {
        /// What was asked for.
        what: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// An answer that holds no order.
    #[error("ask SAP for {what}: {message}")]
    Answer {
        /// What was asked for.
        what: String,
        /// What came instead.
        message: String,
    },
}

#[derive(Deserialize)]
struct User {
    username: String,
    password: String,
}

/// A logged-on client.
pub(super) struct Sap {
    http: reqwest::Client,
    base: Url,
    user: User,
}

/// One order's header and lines, as far as figures and dates are concerned.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) currency: String,
    pub(super) company_code: String,
    pub(super) order_date: Date,
    pub(super) creation_date: Date,
    pub(super) lines: Vec<Line>,
}

/// One line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) number: u32,
    pub(super) quantity: Decimal,
    pub(super) unit: String,
    pub(super) price: Decimal,
    pub(super) price_unit: Decimal,
    pub(super) net: Decimal,
    pub(super) is_delivered: bool,
    /// Neither deleted nor a return: what totals are over.
    pub(super) is_active: bool,
}

impl Sap {
    /// The SAP system of an environment.
    pub(super) async fn of(environment: &Environment) -> anyhow::Result<Self> {
        let settings = &environment.settings;
        let text = settings.require(BASE_URL)?;
        let base = Url::parse(&format!("{}/", text.trim_end_matches('/')))
            .map_err(|error| ConfigError::new(BASE_URL, error))?;
        let secret_id = settings.require(SECRET_ID)?;
        let secret = environment.aws.secret(secret_id).await?;
        // The parser's message could quote the secret.
        let user = secret
            .and_then(|text| serde_json::from_str(&text).ok())
            .ok_or_else(|| {
                ConfigError::new(
                    SECRET_ID,
                    format!("the secret `{secret_id}` is not there or is no JSON with username and password"),
                )
            })?;
        let http = reqwest::Client::builder()
            .timeout(REQUEST_LIMIT)
            .build()
            .context("build the HTTP client for SAP")?;
        Ok(Self { http, base, user })
    }

    /// The order of this number (digits only); `None` when SAP has none.
    pub(super) async fn order(&self, number: &str) -> Result<Option<Order>, SapError> {
        let what = format!("order {number}");
        let wrong = |message: &str| SapError::Answer {
            what: what.clone(),
            message: message.to_owned(),
        };
        let header = self
            .get(&what, &format!("C_PurchaseOrderFs('{number}')"), &[])
            .await?;
        let Some(header) = header else {
            return Ok(None);
        };
        let top = (MAX_LINES + 1).to_string();
        let filter = format!("PurchaseOrder eq '{number}'");
        let query = [
            ("$filter", filter.as_str()),
            ("$orderby", "PurchaseOrderItem"),
            ("$top", top.as_str()),
        ];
        let items = self.get(&what, "I_PurchaseOrderItem", &query).await?;
        let items = items.ok_or_else(|| wrong("there is a header and no set of lines"))?;
        let rows = items["results"]
            .as_array()
            .ok_or_else(|| wrong("expected a list of lines"))?;
        if rows.len() > MAX_LINES {
            return Err(wrong(&format!("more than {MAX_LINES} lines")));
        }
        let order = || {
            Some(Order {
                currency: text(&header, "DocumentCurrency")?,
                company_code: text(&header, "CompanyCode")?,
                order_date: day(&header, "PurchaseOrderDate")?,
                creation_date: day(&header, "CreationDate")?,
                lines: rows.iter().map(line).collect::<Option<_>>()?,
            })
        };
        order().map(Some).ok_or_else(|| {
            wrong("a field is missing or of another type than in the service's metadata")
        })
    }

    /// The entity or collection below `d`; `None` for 404.
    async fn get(
        &self,
        what: &str,
        set: &str,
        query: &[(&str, &str)],
    ) -> Result<Option<Value>, SapError> {
        let answer = |message: String| SapError::Answer {
            what: what.to_owned(),
            message,
        };
        let mut url = self
            .base
            .join(&format!("{SERVICE}/{set}"))
            .map_err(|error| answer(format!("{BASE_URL}: {error}")))?;
        url.query_pairs_mut()
            .extend_pairs(query)
            .append_pair("$format", "json");
        let broken = |source: reqwest::Error| SapError::Transport {
            what: what.to_owned(),
            source: source.without_url(),
        };
        let request = self
            .http
            .get(url)
            .basic_auth(&self.user.username, Some(&self.user.password));
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status();
        if status == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(answer(format!("HTTP {status}")));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(answer(format!("more than {MAX_BODY_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let mut body: Value =
            serde_json::from_slice(&body).map_err(|error| answer(format!("no JSON: {error}")))?;
        Ok(Some(body["d"].take()))
    }
}

fn text(entity: &Value, property: &str) -> Option<String> {
    entity[property].as_str().map(str::to_owned)
}

fn decimal(entity: &Value, property: &str) -> Option<Decimal> {
    entity[property].as_str()?.parse().ok()
}

/// OData v2 writes a day as `/Date(milliseconds)/`.
fn day(entity: &Value, property: &str) -> Option<Date> {
    let inner = entity[property]
        .as_str()?
        .strip_prefix("/Date(")?
        .strip_suffix(")/")?;
    let milliseconds: i64 = inner.parse().ok()?;
    Some(
        OffsetDateTime::from_unix_timestamp(milliseconds.div_euclid(1000))
            .ok()?
            .date(),
    )
}

fn line(item: &Value) -> Option<Line> {
    let is_deleted = !item["PurchasingDocumentDeletionCode"].as_str()?.is_empty();
    Some(Line {
        number: item["PurchaseOrderItem"].as_str()?.parse().ok()?,
        quantity: decimal(item, "OrderQuantity")?,
        unit: text(item, "PurchaseOrderQuantityUnit")?,
        price: decimal(item, "NetPriceAmount")?,
        price_unit: decimal(item, "NetPriceQuantity")?,
        net: decimal(item, "NetAmount")?,
        is_delivered: item["IsCompletelyDelivered"].as_bool()?,
        is_active: !is_deleted && !item["IsReturnsItem"].as_bool()?,
    })
}
