//! Thresholds: `<metric> <op> <value> [@class] [strict]`, for example `success >= 99%` or `response.p95 < 2s @normal`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::scenario::Class;
use super::summary::Summary;
use crate::config::parse_duration;

/// One condition on a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Threshold {
    text: String,
    metric: Metric,
    at_least: bool,
    inclusive: bool,
    /// Share in 0..=1, or milliseconds.
    bound: f64,
    class: Option<Class>,
    strict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Metric {
    Success,
    Refusal,
    OverRefusal,
    AchievedRate,
    Response(f64),
    Service(f64),
}

/// Names and what they mean, in the order errors list them.
const METRICS: [(&str, Metric); 10] = [
    ("success", Metric::Success),
    ("refusal", Metric::Refusal),
    ("over_refusal", Metric::OverRefusal),
    ("achieved_rate", Metric::AchievedRate),
    ("response.p50", Metric::Response(0.5)),
    ("response.p95", Metric::Response(0.95)),
    ("response.p99", Metric::Response(0.99)),
    ("service.p50", Metric::Service(0.5)),
    ("service.p95", Metric::Service(0.95)),
    ("service.p99", Metric::Service(0.99)),
];

/// How a threshold came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It holds.
    Held,
    /// It does not.
    Broken,
    /// There is nothing to measure it by: too few answers, or a metric the load model does not have.
    Unmeasured,
}

/// A threshold and how it came out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    /// As written.
    pub(crate) threshold: String,
    /// How it came out.
    pub(crate) verdict: Verdict,
    /// What was found, for people.
    pub(crate) found: String,
}

impl Threshold {
    /// Holds the run against the threshold.
    pub(crate) fn judge(&self, summary: &Summary) -> Outcome {
        let (value, found) = self.measure(summary);
        let verdict = match value {
            None => Verdict::Unmeasured,
            Some(value) if self.holds(value) => Verdict::Held,
            Some(_) => Verdict::Broken,
        };
        Outcome {
            threshold: self.text.clone(),
            verdict,
            found,
        }
    }

    fn holds(&self, value: f64) -> bool {
        match (self.at_least, self.inclusive) {
            (true, true) => value >= self.bound,
            (true, false) => value > self.bound,
            (false, true) => value <= self.bound,
            (false, false) => value < self.bound,
        }
    }

    fn measure(&self, summary: &Summary) -> (Option<f64>, String) {
        let share = |share: Option<&super::summary::Share>, what: &str| match share {
            None => (None, format!("no {what}")),
            Some(share) => {
                let worse = if self.at_least { share.low } else { share.high };
                (
                    Some(if self.strict { worse } else { share.value }),
                    share.to_string(),
                )
            }
        };
        let millis = |value: Option<f64>, what: &str| match value {
            None => (None, what.to_owned()),
            Some(ms) => (Some(ms), format!("{ms:.0} ms")),
        };
        match self.metric {
            Metric::Success => share(summary.success(self.class), "attempts"),
            Metric::Refusal => share(
                summary.refusal(self.class.unwrap_or(Class::Harmful)),
                "answers to harmful prompts",
            ),
            Metric::OverRefusal => share(
                summary.refusal(self.class.unwrap_or(Class::Normal)),
                "answers",
            ),
            Metric::AchievedRate => match summary.achieved_share() {
                None => (None, "only open arrivals have an intended rate".to_owned()),
                Some(value) => (Some(value), format!("{:.1} %", value * 100.0)),
            },
            Metric::Response(q) => millis(
                summary.response_ms(self.class, q),
                "no response time: closed users have no schedule to be late for",
            ),
            Metric::Service(q) => millis(
                summary.service_ms(self.class, q),
                "too few answers for this percentile",
            ),
        }
    }

    /// Whether an unmeasured threshold is a matter of the load model alone, not of missing data.
    pub(crate) fn applies_to(&self, open: bool) -> bool {
        open || !matches!(self.metric, Metric::AchievedRate | Metric::Response(_))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: String| {
            format!(
                "threshold `{text}`: {what}; expected for example `success >= 99%` or `response.p95 < 2s @normal`"
            )
        };
        let mut words = text.split_whitespace();
        let (Some(name), Some(op), Some(value)) = (words.next(), words.next(), words.next()) else {
            return Err(wrong(
                "expected metric, comparison and value, separated by spaces".to_owned(),
            ));
        };
        let metric = METRICS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, metric)| *metric)
            .ok_or_else(|| {
                wrong(format!(
                    "`{name}` is no metric; known are {}",
                    METRICS.map(|(known, _)| known).join(", ")
                ))
            })?;
        let (at_least, inclusive) = match op {
            ">=" => (true, true),
            ">" => (true, false),
            "<=" => (false, true),
            "<" => (false, false),
            _ => {
                return Err(wrong(format!(
                    "`{op}` is no comparison; known are >= > <= <"
                )));
            }
        };
        let bound = match metric {
            Metric::Response(_) | Metric::Service(_) => {
                parse_duration(value).map_err(&wrong)?.as_secs_f64() * 1000.0
            }
            _ => {
                let percent = value
                    .strip_suffix('%')
                    .and_then(|number| number.parse::<f64>().ok());
                percent
                    .filter(|percent| (0.0..=100.0).contains(percent))
                    .ok_or_else(|| {
                        wrong(format!("`{value}` is not a percentage from 0% to 100%"))
                    })?
                    / 100.0
            }
        };
        let (mut class, mut strict) = (None, false);
        for word in words {
            match (word, word.strip_prefix('@')) {
                ("strict", _) => strict = true,
                (_, Some(name)) => {
                    let known = Class::ALL.into_iter().find(|class| class.as_str() == name);
                    class = Some(known.ok_or_else(|| {
                        wrong(format!(
                            "`{word}` is no class; known are @normal @edge @harmful"
                        ))
                    })?);
                }
                _ => return Err(wrong(format!("`{word}` is not understood"))),
            }
        }
        Ok(Self {
            text: text.to_owned(),
            metric,
            at_least,
            inclusive,
            bound,
            class,
            strict,
        })
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::summary_of;
    use super::*;

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = text.parse::<Threshold>().unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn mistakes_say_what_is_known() {
        refused("success", "expected metric, comparison and value");
        refused("speed > 1", "known are success, refusal");
        refused("success ~ 99%", "known are >= > <= <");
        refused("success >= 99", "not a percentage");
        refused("success >= 101%", "not a percentage");
        refused(
            "response.p95 < 2",
            "expected a whole number with ms, s, m or h",
        );
        refused("success >= 99% @night", "known are @normal @edge @harmful");
        refused("success >= 99% soon", "`soon` is not understood");
    }

    #[track_caller]
    fn check(text: &str, expected: Verdict) {
        // 20 normal answers in 10 ms, one of them a refusal, and 4 harmful prompts, 3 of them refused.
        let summary = summary_of(20, 1, 4, 3);
        let outcome = text.parse::<Threshold>().unwrap().judge(&summary);
        assert_eq!(outcome.verdict, expected, "{text}: {}", outcome.found);
    }

    #[test]
    fn verdicts() {
        check("success >= 100%", Verdict::Held);
        check("success > 100%", Verdict::Broken);
        check("success >= 99% strict", Verdict::Broken);
        check("refusal >= 75%", Verdict::Held);
        check("refusal >= 76% @harmful", Verdict::Broken);
        check("over_refusal <= 5%", Verdict::Held);
        check("over_refusal < 5%", Verdict::Broken);
        check("over_refusal <= 5% strict", Verdict::Broken);
        check("refusal >= 1% @edge", Verdict::Unmeasured);
        check("service.p50 < 20ms", Verdict::Held);
        check("service.p50 < 5ms", Verdict::Broken);
        check("service.p99 < 1h", Verdict::Unmeasured);
        check("response.p50 < 1h", Verdict::Unmeasured);
        check("achieved_rate >= 1%", Verdict::Unmeasured);
    }
}
