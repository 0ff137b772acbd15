//! Query parameters and the two ways to page.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ApiError;
use crate::services::langfuse::{ids, timestamp::Timestamp};

/// Decoded query parameters in their order; a name may repeat.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The first value of `name`, empty ones included.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of `name`; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// Every non-empty value of a parameter that may repeat.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = self
            .0
            .iter()
            .filter(|(key, value)| key == name && !value.is_empty());
        values.map(|(_, value)| value.as_str()).collect()
    }

    /// The parts of a comma list, without empty ones.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let value = self.get(name).unwrap_or_default();
        value
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// A comma list of field groups, `default` when the parameter is absent.
    ///
    /// # Errors
    /// 400 naming a group that is not in `known`.
    pub(crate) fn fields(
        &self,
        known: &[&str],
        default: &[&'static str],
    ) -> Result<Vec<&str>, ApiError> {
        let asked = self.list("fields");
        if let Some(unknown) = asked.iter().find(|field| !known.contains(*field)) {
            let known = known.join(", ");
            let message = format!("unknown field group `{unknown}`, expected any of: {known}");
            return Err(ApiError::invalid("fields", message));
        }
        Ok(if asked.is_empty() {
            default.to_vec()
        } else {
            asked
        })
    }

    /// # Errors
    /// 400 when the value is not an ISO 8601 date-time with an offset.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let parse = |text| {
            Timestamp::parse(text).ok_or_else(|| {
                ApiError::invalid(name, "expected an ISO 8601 date-time with an offset")
            })
        };
        self.get(name).map(parse).transpose()
    }

    /// # Errors
    /// 400 when the value is not a finite number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, ApiError> {
        let parse = |text: &str| {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            number.ok_or_else(|| ApiError::invalid(name, "expected a number"))
        };
        self.get(name).map(parse).transpose()
    }

    /// # Errors
    /// 400 when the value is neither `true` nor `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(ApiError::invalid(name, "expected true or false")),
        }
    }

    /// A whole number of at least 1.
    ///
    /// # Errors
    /// 400 when it is not one, or more than `max`.
    pub(crate) fn count(&self, name: &str, default: i64, max: i64) -> Result<i64, ApiError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        match text.parse() {
            Ok(count) if (1..=max).contains(&count) => Ok(count),
            Ok(_) | Err(_) => Err(ApiError::invalid(
                name,
                format!("expected a whole number from 1 to {max}"),
            )),
        }
    }

    /// `page` and `limit` of an offset list.
    ///
    /// # Errors
    /// 400 when either is out of range.
    pub(crate) fn page(&self) -> Result<Page, ApiError> {
        let page = self.count("page", 1, 1_000_000)?;
        Ok(Page {
            page,
            limit: self.count("limit", 50, 100)?,
        })
    }

    /// Where a cursor list goes on.
    ///
    /// # Errors
    /// 400 when the cursor is not one of that list.
    pub(crate) fn cursor<T: DeserializeOwned>(&self) -> Result<Option<T>, ApiError> {
        let decode = |cursor| {
            ids::decode_cursor(cursor)
                .ok_or_else(|| ApiError::invalid("cursor", "not a cursor of this list"))
        };
        self.get("cursor").map(decode).transpose()
    }

    /// # Errors
    /// 400 naming the first parameter that is not in `known`.
    pub(crate) fn refuse_unknown(&self, known: &[&str]) -> Result<(), ApiError> {
        match self
            .0
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            Some((name, _)) => Err(ApiError::invalid(name, "unknown query parameter")),
            None => Ok(()),
        }
    }

    /// # Errors
    /// 501 naming a parameter that the real server understands and this one would ignore.
    pub(crate) fn refuse_unserved(&self, names: &[&str]) -> Result<(), ApiError> {
        match names.iter().find(|name| self.get(name).is_some()) {
            Some(name) => Err(ApiError::not_served(&format!("query parameter {name}"))),
            None => Ok(()),
        }
    }
}

/// One page of an offset list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    page: i64,
    pub(crate) limit: i64,
}

impl Page {
    pub(crate) fn offset(self) -> i64 {
        (self.page - 1) * self.limit
    }

    /// `{data, meta}` with the totals the SDKs page by.
    pub(crate) fn body(self, data: Vec<Value>, total_items: i64) -> Value {
        let total_pages = (total_items + self.limit - 1) / self.limit;
        json!({
            "data": data,
            "meta": {
                "page": self.page,
                "limit": self.limit,
                "totalItems": total_items,
                "totalPages": total_pages,
            },
        })
    }
}
