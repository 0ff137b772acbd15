//! SAP Gateway errors: a message class and number, the public text, and an inner part for operators.
//!
//! Shapes and codes follow recorded answers: `/IWFND/MED/170` (403, no such service),
//! `/IWBEP/CM_MGW_RT/020` (404, no entity with that key) and the 32-digit code that the URI and query
//! parser of the Gateway framework uses for whatever it cannot read.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::metadata::escape;

/// Code of the Gateway framework's parser.
const PARSER: &str = "005056A509B11EE1B9A8FEC11C21578E";

/// Why a request is not answered with data. The texts are what the client sees.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum ODataError {
    /// No active service of that name: SAP says 403, although nothing is forbidden.
    #[error("No service found for namespace '', name '{service}', version '{version}'")]
    UnknownService { service: String, version: String },
    /// A path segment that is neither set, navigation nor system resource.
    #[error("Resource not found for segment '{0}'")]
    UnknownSegment(String),
    /// A key without an entity.
    #[error("Resource not found for segment '{entity_type}'")]
    NoSuchEntity { entity_type: &'static str },
    /// A name in `$select`, `$filter`, `$orderby` or `$expand` that the type does not have.
    #[error("Property {property} not found in type {entity_type}")]
    UnknownProperty {
        property: String,
        entity_type: &'static str,
    },
    /// `sap:filterable="false"` in `$metadata`.
    #[error("Property {property} of type {entity_type} is not filterable")]
    NotFilterable {
        property: &'static str,
        entity_type: &'static str,
    },
    /// A query option or key predicate that cannot be read.
    #[error("{0}")]
    Invalid(String),
    /// Valid OData that this emulator does not have.
    #[error("the SAP emulator does not implement {0}")]
    NotImplemented(String),
    /// The service is read-only.
    #[error("Method {0} is not allowed: the service is read-only")]
    MethodNotAllowed(String),
    /// A representation that the resource cannot be given in.
    #[error("The requested representation '{0}' is not supported")]
    NotAcceptable(String),
}

impl ODataError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            ODataError::UnknownService { .. } => StatusCode::FORBIDDEN,
            ODataError::UnknownSegment(_) | ODataError::NoSuchEntity { .. } => {
                StatusCode::NOT_FOUND
            }
            ODataError::UnknownProperty { .. }
            | ODataError::NotFilterable { .. }
            | ODataError::Invalid(_) => StatusCode::BAD_REQUEST,
            ODataError::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            ODataError::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            ODataError::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            ODataError::UnknownService { .. } => "/IWFND/MED/170",
            ODataError::NoSuchEntity { .. } => "/IWBEP/CM_MGW_RT/020",
            ODataError::UnknownSegment(_)
            | ODataError::UnknownProperty { .. }
            | ODataError::NotFilterable { .. }
            | ODataError::Invalid(_)
            | ODataError::MethodNotAllowed(_)
            | ODataError::NotAcceptable(_) => PARSER,
            ODataError::NotImplemented(_) => "NotImplemented",
        }
    }

    /// The HTTP answer: JSON for clients that asked for JSON, the XML twin for the others.
    pub(crate) fn response(
        &self,
        service: &str,
        request_uri: &str,
        as_json: bool,
        now: OffsetDateTime,
    ) -> Response {
        let (content_type, body) = if as_json {
            (
                "application/json;charset=utf-8",
                self.json(service, request_uri, now),
            )
        } else {
            (
                "application/xml;charset=utf-8",
                self.xml(service, request_uri, now),
            )
        };
        let mut response = (self.status(), body).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if matches!(self, ODataError::MethodNotAllowed(_)) {
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }

    fn json(&self, service: &str, request_uri: &str, now: OffsetDateTime) -> String {
        let message = self.to_string();
        json!({"error": {
            "code": self.code(),
            "message": {"lang": "en", "value": message},
            "innererror": {
                "application": {
                    "component_id": component(service),
                    "service_namespace": "/SAP/",
                    "service_id": service,
                    "service_version": "0001",
                },
                "transactionid": transaction_id(request_uri),
                "timestamp": timestamp(now),
                "Error_Resolution": {
                    "SAP_Transaction": "Look into the Gateway error log (transaction /IWFND/ERROR_LOG) for this transaction id",
                    "SAP_Note": "1797736",
                },
                "errordetails": [
                    {"code": self.code(), "message": message, "propertyref": "", "severity": "error", "target": ""},
                ],
            },
        }})
        .to_string()
    }

    /// The same as Atom clients read it.
    fn xml(&self, service: &str, request_uri: &str, now: OffsetDateTime) -> String {
        let (code, message) = (self.code(), escape(&self.to_string()));
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
             <error xmlns=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">\
             <code>{code}</code><message xml:lang=\"en\">{message}</message><innererror><application>\
             <component_id>{}</component_id><service_namespace>/SAP/</service_namespace>\
             <service_id>{}</service_id><service_version>0001</service_version></application>\
             <transactionid>{}</transactionid><timestamp>{}</timestamp><errordetails><errordetail>\
             <code>{code}</code><message>{message}</message><propertyref/><severity>error</severity><target/>\
             </errordetail></errordetails></innererror></error>",
            component(service),
            escape(service),
            transaction_id(request_uri),
            timestamp(now),
        )
    }
}

/// The application component of a service; the Gateway's own for services it does not know.
fn component(service: &str) -> &'static str {
    super::path::service(service).map_or("OPU-GW-COR", |service| service.component)
}

/// 32 hexadecimal digits, the same for the same request.
fn transaction_id(request_uri: &str) -> String {
    Sha256::digest(request_uri)
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

/// `yyyymmddhhmmss.fffffff`, the ABAP long time stamp.
fn timestamp(now: OffsetDateTime) -> String {
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}.{:07}",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second(),
        now.nanosecond() / 100,
    )
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn json_body_has_the_gateway_shape() {
        let error = ODataError::NoSuchEntity {
            entity_type: "I_PurchaseOrderType",
        };
        let body: serde_json::Value = serde_json::from_str(&error.json(
            "C_PURCHASEORDER_FS_SRV",
            "/x",
            datetime!(2025-08-31 12:00:00.1234567 UTC),
        ))
        .expect("JSON");
        insta::assert_json_snapshot!(body, {
            ".error.innererror.transactionid" => "[32 hex digits]",
            ".error.innererror.Error_Resolution.SAP_Transaction" => "[hint]",
        }, @r#"
        {
          "error": {
            "code": "/IWBEP/CM_MGW_RT/020",
            "message": {
              "lang": "en",
              "value": "Resource not found for segment 'I_PurchaseOrderType'"
            },
            "innererror": {
              "application": {
                "component_id": "MM-PUR-PO",
                "service_namespace": "/SAP/",
                "service_id": "C_PURCHASEORDER_FS_SRV",
                "service_version": "0001"
              },
              "transactionid": "[32 hex digits]",
              "timestamp": "20250831120000.1234567",
              "Error_Resolution": {
                "SAP_Transaction": "[hint]",
                "SAP_Note": "1797736"
              },
              "errordetails": [
                {
                  "code": "/IWBEP/CM_MGW_RT/020",
                  "message": "Resource not found for segment 'I_PurchaseOrderType'",
                  "propertyref": "",
                  "severity": "error",
                  "target": ""
                }
              ]
            }
          }
        }
        "#);
    }
}
