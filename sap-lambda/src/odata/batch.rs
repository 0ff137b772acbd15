//! One query for many keys: as many requests as it takes, a few at a time.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;

use super::{
    client::Service,
    page::{self, Rows},
    query::{self, Field, Filter, Query},
};
use crate::{error::SapError, invocation::Invocation};

/// Keys asked for in one request.
const MAX_KEYS: usize = 40;
/// What their part of the URL may take up, so that all of it stays below the 2,000 characters that everything on the way
/// lets through. A purchase-order number takes 45.
const MAX_KEY_CHARS: usize = 1_100;
/// Requests on their way at the same time.
const CONCURRENT: usize = 4;

/// Reads `query` for those rows only whose `field` is one of `keys`, which are asked for in the order given.
///
/// Rows come in the order of the batches, sorted as the query says within each: sorted altogether when `keys` are
/// sorted the same way and `field` is what the query sorts by first. `query.top` counts for each batch; so does the
/// count of SAP, and the total is the sum. Batches that are not begun for lack of time are missing.
///
/// # Errors
/// [`SapError`] of any batch.
pub async fn read<T: DeserializeOwned + Send>(
    service: &Service,
    query: &Query,
    field: Field,
    keys: &[String],
    invocation: &Invocation,
) -> Result<Rows<T>, SapError> {
    let mut all = Rows::all(Vec::new());
    let parts = read_each(service, query, field, keys, invocation).await?;
    for (_, part) in parts {
        let Some(part) = part else {
            all.total_is_minimum = true;
            all.complete = false;
            continue;
        };
        all.rows.extend(part.rows);
        all.total += part.total;
        all.total_is_minimum |= part.total_is_minimum;
        all.complete &= part.complete;
    }
    Ok(all)
}

/// As [`read`], batch by batch: the keys of each, and its rows, or none when it was not begun for lack of time.
///
/// # Errors
/// [`SapError`] of any batch.
pub async fn read_each<'k, T: DeserializeOwned + Send>(
    service: &Service,
    query: &Query,
    field: Field,
    keys: &'k [String],
    invocation: &Invocation,
) -> Result<Vec<(&'k [String], Option<Rows<T>>)>, SapError> {
    let reads: Vec<_> = batches(field, keys)
        .into_iter()
        .enumerate()
        .map(|(index, batch)| {
            let is_one_of = Filter::one_of(field, batch.iter().cloned());
            let filter = Filter::all(is_one_of.into_iter().chain(query.filter.clone()));
            let query = Query {
                filter,
                ..query.clone()
            };
            async move {
                // The first wave is begun whatever time is left: it may be enough.
                let is_late = invocation.deadline.remaining() < page::TIME_FOR_A_PAGE;
                if index >= CONCURRENT && is_late {
                    return Ok((batch, None));
                }
                let rows = page::read::<T>(service, &query, invocation).await?;
                Ok((batch, Some(rows)))
            }
        })
        .collect();
    stream::iter(reads).buffered(CONCURRENT).try_collect().await
}

/// `keys` in parts that fit into a URL each.
fn batches(field: Field, keys: &[String]) -> Vec<&[String]> {
    let length = |key: &String| {
        let condition = Filter::equals(field, key.as_str()).to_string();
        query::encoded_len(&condition) + query::encoded_len(" or ")
    };
    let mut batches = Vec::new();
    let (mut start, mut chars) = (0, 0);
    for (index, key) in keys.iter().enumerate() {
        let more = length(key);
        if index > start && (index - start == MAX_KEYS || chars + more > MAX_KEY_CHARS) {
            batches.push(&keys[start..index]);
            (start, chars) = (index, 0);
        }
        chars += more;
    }
    if start < keys.len() {
        batches.push(&keys[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_fit_into_a_url() {
        let field = Field::new("PurchaseOrder");
        let orders: Vec<String> = (0..100).map(|n| format!("45{n:08}")).collect();
        let short: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let long: Vec<String> = (0..5).map(|_| "ä".repeat(40)).collect();
        for (keys, sizes) in [
            (&orders, vec![24, 24, 24, 24, 4]),
            (&short, vec![30, 29, 29, 12]),
            (&long, vec![4, 1]),
            (&Vec::new(), vec![]),
        ] {
            let batches = batches(field, keys);
            let found: Vec<usize> = batches.iter().map(|batch| batch.len()).collect();
            assert_eq!(found, sizes, "{keys:?}");
            assert_eq!(batches.concat(), *keys);
        }
    }
}
