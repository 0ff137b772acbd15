//! Points in time as Langfuse stores and prints them: UTC, whole milliseconds.

use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlResult, ToSqlOutput, Value as SqlValue, ValueRef},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{
    OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description,
};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(i64);

/// The last millisecond `time` can print (9999-12-31), so that formatting cannot fail.
const LATEST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// Clamped to the years 1970 to 9999.
    pub(crate) fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, LATEST_MS))
    }

    /// Nanoseconds since the epoch, cut to milliseconds.
    pub(crate) fn from_nanos(nanos: u64) -> Self {
        Self::from_millis(i64::try_from(nanos / 1_000_000).unwrap_or(LATEST_MS))
    }

    /// An RFC 3339 date-time with an offset; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text.trim(), &Rfc3339)
            .ok()
            .map(Self::from)
    }

    pub(crate) fn millis(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to this, negative when it is the other way round.
    pub(crate) fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 1000.0
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(time: OffsetDateTime) -> Self {
        let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
        Self::from_millis(i64::try_from(millis).unwrap_or(LATEST_MS))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .expect("clamped to years that exist")
            .to_offset(UtcOffset::UTC);
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        f.write_str(&time.format(&format).expect("all components are present"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("expected an ISO 8601 date-time with an offset"))
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self::from_millis)
    }
}

impl From<Timestamp> for SqlValue {
    fn from(timestamp: Timestamp) -> Self {
        Self::Integer(timestamp.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn texts_with_an_offset_are_read_and_printed_in_utc_milliseconds() {
        for (text, printed) in [
            ("2026-11-22T10:00:00Z", Some("2026-11-22T10:00:00.000Z")),
            (
                "2026-11-22T10:00:00.123456+02:00",
                Some("2026-11-22T08:00:00.123Z"),
            ),
            ("2026-11-22T10:00:00", None),
            ("2026-11-22", None),
            ("", None),
        ] {
            let found = Timestamp::parse(text).map(|time| time.to_string());
            assert_eq!(found.as_deref(), printed, "{text}");
        }
    }

    #[test]
    fn times_out_of_range_are_clamped_rather_than_refused() {
        assert_eq!(
            Timestamp::from_nanos(u64::MAX).to_string(),
            "2554-07-21T23:34:33.709Z"
        );
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(
            Timestamp::from_millis(-1).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
    }
}
