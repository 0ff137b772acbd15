//! What stands before SAP and may be busy: the next requests are answered with 429 or 503 when a test asks for it.

use std::sync::{Mutex, PoisonError};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Deserialize;

use super::html;

/// The order to turn requests away.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Orders {
    /// How many of the next requests; 0 ends it.
    pub(super) requests: u32,
    /// 429 as API management says it, or 503 as the web dispatcher does.
    pub(super) status: u16,
    /// `Retry-After`, in seconds; without it the header is missing.
    #[serde(default)]
    pub(super) retry_after_seconds: Option<u32>,
}

impl Orders {
    fn status(&self) -> Option<StatusCode> {
        [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ]
        .into_iter()
        .find(|status| status.as_u16() == self.status)
    }
}

/// How many requests are still to be turned away, and how.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    orders: Mutex<Option<Orders>>,
}

impl Throttle {
    /// Takes new orders in place of the old.
    ///
    /// # Errors
    /// A sentence when the status is neither 429 nor 503.
    pub(super) fn set(&self, orders: Orders) -> Result<(), String> {
        if orders.status().is_none() {
            return Err(format!("status is 429 or 503, not {}", orders.status));
        }
        *self.orders.lock().unwrap_or_else(PoisonError::into_inner) = Some(orders);
        Ok(())
    }

    /// How many requests are still to be turned away.
    pub(super) fn left(&self) -> u32 {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.as_ref().map_or(0, |orders| orders.requests)
    }

    /// The refusal of one request, if it is to be refused.
    pub(super) fn refusal(&self) -> Option<Response> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = orders.as_mut().filter(|orders| orders.requests > 0)?;
        orders.requests -= 1;
        let status = orders.status()?;
        let mut response = html(status, status.canonical_reason().unwrap_or("Busy"), "");
        if let Some(seconds) = orders.retry_after_seconds {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Some(response)
    }
}
