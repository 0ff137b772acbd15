//! All rows of a query, over SAP's server-driven pages, within a budget.

use std::time::Duration;

use serde::de::DeserializeOwned;
use url::Url;

use super::{client::Service, decode, query::Query};
use crate::{error::SapError, invocation::Invocation};

/// Requests made for one query, whatever its `top`.
const MAX_PAGES: usize = 20;
/// A further page is only begun when this much time is left.
pub(super) const TIME_FOR_A_PAGE: Duration = Duration::from_secs(3);

/// What a query gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<T> {
    /// At most `top` rows.
    pub rows: Vec<T>,
    /// Rows in SAP that meet the filter.
    pub total: u64,
    /// SAP may hold more than `total`: reading stopped early and SAP did not count.
    pub total_is_minimum: bool,
    /// Whether `rows` are all of them.
    pub complete: bool,
}

impl<T> Rows<T> {
    /// These rows and no others.
    pub fn all(rows: Vec<T>) -> Self {
        Self {
            total: rows.len() as u64,
            total_is_minimum: false,
            complete: true,
            rows,
        }
    }

    /// The same knowledge about other rows, one for each.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Rows<U> {
        Rows {
            rows: self.rows.into_iter().map(convert).collect(),
            total: self.total,
            total_is_minimum: self.total_is_minimum,
            complete: self.complete,
        }
    }

    /// [`Self::map`] where a row may not be usable.
    ///
    /// # Errors
    /// The first error of `convert`.
    pub fn try_map<U, E>(self, convert: impl FnMut(T) -> Result<U, E>) -> Result<Rows<U>, E> {
        Ok(Rows {
            rows: self
                .rows
                .into_iter()
                .map(convert)
                .collect::<Result<_, E>>()?,
            total: self.total,
            total_is_minimum: self.total_is_minimum,
            complete: self.complete,
        })
    }

    /// At most `top` of them.
    #[must_use]
    pub fn limited(mut self, top: usize) -> Self {
        self.complete &= self.rows.len() <= top;
        self.rows.truncate(top);
        self
    }
}

/// Reads up to `query.top` rows, following `__next`.
///
/// # Errors
/// [`SapError`]; also when a next link leads out of the entity set or back to itself.
pub async fn read<T: DeserializeOwned>(
    service: &Service,
    query: &Query,
    invocation: &Invocation,
) -> Result<Rows<T>, SapError> {
    let mut rows = Vec::new();
    let mut count = None;
    let first = query.url(service.root());
    let mut url = first.clone();
    let mut is_end = false;
    for _ in 0..MAX_PAGES {
        let body = match service.client().get(url.clone(), invocation).await {
            Ok(body) => body,
            // What was read before is still an answer, marked as incomplete.
            Err(error) if error.retryable() && !rows.is_empty() => break,
            Err(error) => return Err(error),
        };
        let page = decode::collection::<T>(&body).map_err(|error| {
            SapError::unexpected(format!(
                "entity set {}: {}",
                query.set.name,
                decode::without_values(&error)
            ))
        })?;
        rows.extend(page.rows);
        count = count.or(page.count);
        let Some(next) = page.next else {
            // A full house may be the edge of `$top` or the true end; only a count would tell.
            is_end = rows.len() < query.top;
            break;
        };
        let next = next_url(&next, &first)?;
        if next == url {
            return Err(SapError::unexpected("a next link points at its own page"));
        }
        url = next;
        if rows.len() >= query.top || invocation.deadline.remaining() < TIME_FOR_A_PAGE {
            break;
        }
    }
    let read = rows.len() as u64;
    rows.truncate(query.top);
    let total = count.unwrap_or(0).max(read);
    Ok(Rows {
        complete: rows.len() as u64 == total && (count.is_some() || is_end),
        total_is_minimum: count.is_none() && !is_end,
        rows,
        total,
    })
}

/// The next link, if it stays where the password may go: same scheme, host, port and entity set.
fn next_url(link: &str, first: &Url) -> Result<Url, SapError> {
    let next = first
        .join(link)
        .map_err(|_| SapError::unexpected("a next link is not a URL"))?;
    let has_no_user = next.username().is_empty() && next.password().is_none();
    if next.origin() == first.origin() && next.path() == first.path() && has_no_user {
        Ok(next)
    } else {
        Err(SapError::unexpected("a next link leaves the entity set"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_links_stay_in_the_entity_set() {
        let first = Url::parse("https://sap.example:44300/odata/SRV/Orders?$top=5").unwrap();
        for (link, allowed) in [
            (
                "https://sap.example:44300/odata/SRV/Orders?$skiptoken=2",
                true,
            ),
            ("Orders?$skiptoken=2", true),
            ("/odata/SRV/Orders?$skiptoken=2", true),
            (
                "http://sap.example:44300/odata/SRV/Orders?$skiptoken=2",
                false,
            ),
            ("https://sap.example/odata/SRV/Orders?$skiptoken=2", false),
            (
                "https://evil.example:44300/odata/SRV/Orders?$skiptoken=2",
                false,
            ),
            ("//evil.example/odata/SRV/Orders", false),
            (
                "https://sap.example:44300@evil.example/odata/SRV/Orders",
                false,
            ),
            ("https://u:p@sap.example:44300/odata/SRV/Orders", false),
            (
                "https://sap.example:44300/odata/SRV/Users?$skiptoken=2",
                false,
            ),
            ("https://sap.example:44300/odata/SRV/../OTHER/Orders", false),
            ("https://[", false),
        ] {
            assert_eq!(next_url(link, &first).is_ok(), allowed, "{link}");
        }
    }
}
