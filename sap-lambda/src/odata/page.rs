//! All rows of a query, over SAP's server-driven pages, within a budget.

use std::time::Duration;

use serde::de::DeserializeOwned;
use url::Url;

use super::{client::SapClient, decode, query::Query};
use crate::{deadline::Deadline, error::SapError};

/// Requests made for one query, whatever its `top`.
const MAX_PAGES: usize = 20;
/// A further page is only begun when this much time is left.
const TIME_FOR_A_PAGE: Duration = Duration::from_secs(3);

/// What a query gave.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    /// At most `top` rows.
    pub rows: Vec<T>,
    /// Rows in SAP that meet the filter; the number read when SAP does not count.
    pub total: u64,
    /// Whether `rows` are all of them.
    pub complete: bool,
}

/// Reads up to `query.top` rows, following `__next`.
///
/// # Errors
/// [`SapError`]; also when a next link leads out of the entity set or back to itself.
pub async fn read<T: DeserializeOwned>(
    sap: &SapClient,
    query: &Query,
    deadline: Deadline,
) -> Result<Rows<T>, SapError> {
    let mut rows = Vec::new();
    let mut count = None;
    let mut url = query.url(sap.service_url());
    let first = url.clone();
    for _ in 0..MAX_PAGES {
        let body = sap.get(url.clone(), deadline).await?;
        let page = decode::collection::<T>(&body).map_err(|error| {
            SapError::unexpected(format!(
                "entity set {}: {}",
                query.set,
                without_values(&error)
            ))
        })?;
        rows.extend(page.rows);
        count = count.or(page.count);
        let Some(next) = page.next else {
            // Without a count, a full house may be the edge of `$top` or the true end.
            let total = count.unwrap_or(rows.len() as u64);
            let complete = if count.is_some() {
                rows.len() as u64 >= total
            } else {
                rows.len() < query.top
            };
            rows.truncate(query.top);
            return Ok(Rows {
                rows,
                total,
                complete,
            });
        };
        let next = next_url(&next, &first)?;
        if next == url {
            return Err(SapError::unexpected("a next link points at its own page"));
        }
        url = next;
        if rows.len() >= query.top || deadline.remaining() < TIME_FOR_A_PAGE {
            break;
        }
    }
    let total = count.unwrap_or(0).max(rows.len() as u64);
    rows.truncate(query.top);
    Ok(Rows {
        complete: rows.len() as u64 >= total && count.is_some(),
        rows,
        total,
    })
}

/// The parser's complaint, for the log: only those forms that do not quote the data.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let safe = [
        "missing field",
        "a decimal property",
        "a date property",
        "__count",
    ];
    if safe.iter().any(|start| text.starts_with(start)) {
        text
    } else {
        format!(
            "{:?} error at line {} column {}",
            error.classify(),
            error.line(),
            error.column()
        )
    }
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
