//! From records to figures: rates with Wilson intervals, latency from HDR histograms, one line a second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use eval_suite::cost::PriceTable;
use eval_suite::stats::wilson;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::record::{ErrorKind, Outcome, Record};
use super::scenario::Class;

/// Longest latency the histograms hold: an hour, in microseconds.
const LONGEST_US: u64 = 3_600_000_000;
/// Significant decimal digits the histograms keep.
const DIGITS: u8 = 3;

/// A rate with its 95 % Wilson interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Share {
    /// Hits.
    pub(crate) count: usize,
    /// Out of how many.
    pub(crate) of: usize,
    /// Their ratio.
    pub(crate) value: f64,
    /// Lower bound.
    pub(crate) low: f64,
    /// Upper bound.
    pub(crate) high: f64,
}

impl Share {
    /// `None` out of nothing.
    pub(crate) fn new(count: usize, of: usize) -> Option<Self> {
        let interval = wilson(count, of);
        (of > 0).then(|| Self {
            count,
            of,
            value: count as f64 / of as f64,
            low: interval.lo,
            high: interval.hi,
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [value, low, high] = [self.value, self.low, self.high].map(|share| share * 100.0);
        write!(
            f,
            "{value:.1} % ({low:.1} to {high:.1}, {} of {})",
            self.count, self.of
        )
    }
}

/// Percentiles in milliseconds; one that the sample is too small for is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Latency {
    /// Number of answers.
    pub(crate) n: u64,
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) max: Option<f64>,
}

/// Smallest sample for a percentile: below it the figure would be an anecdote.
fn enough(q: f64, n: u64) -> bool {
    n >= if q >= 0.99 {
        500
    } else if q >= 0.95 {
        20
    } else {
        1
    }
}

fn percentile_ms(histogram: &Histogram<u64>, q: f64) -> Option<f64> {
    enough(q, histogram.len()).then(|| histogram.value_at_quantile(q) as f64 / 1000.0)
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|q| percentile_ms(histogram, q));
        let max = (!histogram.is_empty()).then(|| histogram.max() as f64 / 1000.0);
        Self {
            n: histogram.len(),
            p50,
            p95,
            p99,
            max,
        }
    }
}

/// One class of traffic, or all of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Traffic {
    /// Questions whose end was seen.
    pub(crate) attempts: usize,
    /// Share of them that got an answer.
    pub(crate) success: Option<Share>,
    /// Share of the answers that decline to help.
    pub(crate) refusal: Option<Share>,
    /// Sending to last byte, answers only.
    pub(crate) service_ms: Latency,
    /// Intended start to last byte, answers only; empty without a schedule.
    pub(crate) response_ms: Latency,
    #[serde(skip)]
    service: Histogram<u64>,
    #[serde(skip)]
    response: Histogram<u64>,
}

/// One second of the run.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Second {
    pub(crate) sent: u32,
    pub(crate) answered: u32,
    pub(crate) failed: u32,
}

/// A kind of failure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    pub(crate) count: usize,
    pub(crate) owner: &'static str,
    /// The first one's text.
    pub(crate) example: String,
}

/// Runtime sessions: every one opened must be stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sessions {
    pub(crate) opened: usize,
    pub(crate) stopped: usize,
    pub(crate) not_stopped: usize,
}

/// Intended against achieved starts.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Rate {
    /// Starts the schedule asked for, per second.
    pub(crate) intended_per_second: f64,
    /// Questions sent within the duration, per second.
    pub(crate) achieved_per_second: f64,
    /// 99th percentile of how late this program sent a question, which includes waiting for a free place.
    pub(crate) lag_p99_ms: f64,
}

/// Everything a run came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    /// Length of the run, drain included.
    pub(crate) seconds: f64,
    /// Answers per second over the whole run.
    pub(crate) answers_per_second: f64,
    /// All classes together.
    pub(crate) all: Traffic,
    /// Class by class.
    pub(crate) classes: BTreeMap<Class, Traffic>,
    /// Language by language, classes together.
    pub(crate) languages: BTreeMap<String, Traffic>,
    /// Questions the end of the run cut off; in no rate.
    pub(crate) cut: usize,
    /// Only where a schedule exists.
    pub(crate) rate: Option<Rate>,
    /// By kind, most frequent first.
    pub(crate) errors: Vec<(ErrorKind, Failure)>,
    /// Opened and stopped.
    pub(crate) sessions: Sessions,
    /// All models' tokens at the prices of the price table; absent when a price or a usage is missing.
    pub(crate) cost_usd: Option<f64>,
    /// Second by second.
    pub(crate) timeline: Vec<Second>,
}

impl Traffic {
    fn of<'a>(records: impl Iterator<Item = &'a Record>) -> Self {
        let [mut service, mut response] = [(); 2].map(|()| empty_histogram());
        let (mut attempts, mut answered, mut refused) = (0, 0, 0);
        for record in records {
            match &record.outcome {
                Outcome::Cut => continue,
                Outcome::Failed { .. } => {}
                Outcome::Answered {
                    refused: declined,
                    unrefused_answer: _,
                } => {
                    answered += 1;
                    refused += usize::from(*declined);
                    for (histogram, time) in [
                        (&mut service, record.service()),
                        (&mut response, record.response()),
                    ] {
                        if let Some(time) = time {
                            histogram.saturating_record(micros(time));
                        }
                    }
                }
            }
            attempts += 1;
        }
        Self {
            attempts,
            success: Share::new(answered, attempts),
            refusal: Share::new(refused, answered),
            service_ms: Latency::of(&service),
            response_ms: Latency::of(&response),
            service,
            response,
        }
    }

    /// Steps of the cumulative curve, as (share of answers, milliseconds), for drawing.
    pub(crate) fn curve(&self) -> Vec<(f64, f64)> {
        let histogram = if self.response.is_empty() {
            &self.service
        } else {
            &self.response
        };
        if histogram.is_empty() {
            return Vec::new();
        }
        (0..=100)
            .map(|step| f64::from(step) / 100.0)
            .map(|q| (q, histogram.value_at_quantile(q) as f64 / 1000.0))
            .collect()
    }
}

fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect("the bounds are constants that fit")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(LONGEST_US).max(1)
}

impl Summary {
    /// Adds up a run. `scheduled` is the number of starts an open schedule holds and the time it covers.
    pub(crate) fn new(
        records: &[Record],
        elapsed: Duration,
        scheduled: Option<(usize, Duration)>,
        sessions: Sessions,
        prices: Option<&PriceTable>,
    ) -> Self {
        let all = Traffic::of(records.iter());
        let classes = Class::ALL
            .into_iter()
            .map(|class| {
                (
                    class,
                    Traffic::of(records.iter().filter(|record| record.class == class)),
                )
            })
            .filter(|(_, traffic)| traffic.attempts > 0)
            .collect();
        let languages: BTreeSet<&String> = records.iter().map(|record| &record.language).collect();
        let languages = languages
            .into_iter()
            .map(|language| {
                (
                    language.clone(),
                    Traffic::of(records.iter().filter(|record| record.language == *language)),
                )
            })
            .collect();
        let answered = all.success.map_or(0, |success| success.count);
        Self {
            seconds: elapsed.as_secs_f64(),
            answers_per_second: answered as f64 / elapsed.as_secs_f64().max(f64::EPSILON),
            all,
            classes,
            languages,
            cut: records
                .iter()
                .filter(|record| matches!(record.outcome, Outcome::Cut))
                .count(),
            rate: scheduled.map(|(planned, duration)| rate(records, planned, duration)),
            errors: errors(records),
            sessions,
            cost_usd: cost(records, prices),
            timeline: timeline(records),
        }
    }

    fn traffic(&self, class: Option<Class>) -> Option<&Traffic> {
        class.map_or(Some(&self.all), |class| self.classes.get(&class))
    }

    /// Share of questions that got an answer.
    pub(crate) fn success(&self, class: Option<Class>) -> Option<&Share> {
        self.traffic(class)?.success.as_ref()
    }

    /// Share of the class's answers that decline to help.
    pub(crate) fn refusal(&self, class: Class) -> Option<&Share> {
        self.classes.get(&class)?.refusal.as_ref()
    }

    /// Percentile of sending to last byte, in milliseconds.
    pub(crate) fn service_ms(&self, class: Option<Class>, q: f64) -> Option<f64> {
        percentile_ms(&self.traffic(class)?.service, q)
    }

    /// Percentile of intended start to last byte, in milliseconds.
    pub(crate) fn response_ms(&self, class: Option<Class>, q: f64) -> Option<f64> {
        percentile_ms(&self.traffic(class)?.response, q)
    }

    /// Achieved over intended rate.
    pub(crate) fn achieved_share(&self) -> Option<f64> {
        self.rate
            .map(|rate| rate.achieved_per_second / rate.intended_per_second.max(f64::EPSILON))
    }
}

fn rate(records: &[Record], planned: usize, duration: Duration) -> Rate {
    let sent = records
        .iter()
        .filter(|record| record.sent_ms.is_some_and(|sent| sent <= duration))
        .count();
    let mut lag = empty_histogram();
    for late in records.iter().filter_map(Record::lag) {
        lag.saturating_record(micros(late));
    }
    let seconds = duration.as_secs_f64().max(f64::EPSILON);
    Rate {
        intended_per_second: planned as f64 / seconds,
        achieved_per_second: sent as f64 / seconds,
        lag_p99_ms: lag.value_at_quantile(0.99) as f64 / 1000.0,
    }
}

fn errors(records: &[Record]) -> Vec<(ErrorKind, Failure)> {
    let mut kinds: BTreeMap<ErrorKind, Failure> = BTreeMap::new();
    for record in records {
        if let Outcome::Failed { error, message } = &record.outcome {
            let entry = kinds.entry(*error);
            entry
                .or_insert_with(|| Failure {
                    count: 0,
                    owner: error.owner(),
                    example: message.clone(),
                })
                .count += 1;
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, failure)| std::cmp::Reverse(failure.count));
    kinds
}

fn cost(records: &[Record], prices: Option<&PriceTable>) -> Option<f64> {
    let prices = prices?;
    let answered = records
        .iter()
        .filter(|record| matches!(record.outcome, Outcome::Answered { .. }));
    let mut costs = answered
        .map(|record| prices.cost_usd(record.model_id.as_deref()?, record.usage.as_ref()?))
        .peekable();
    costs.peek()?;
    costs.sum()
}

fn timeline(records: &[Record]) -> Vec<Second> {
    let index = |time: Option<Duration>| time.and_then(|time| usize::try_from(time.as_secs()).ok());
    let length = records
        .iter()
        .filter_map(|record| index(record.end_ms.or(record.sent_ms)))
        .max()
        .map_or(0, |last| last + 1);
    let mut seconds = vec![Second::default(); length];
    for record in records {
        if let Some(second) = index(record.sent_ms).and_then(|sent| seconds.get_mut(sent)) {
            second.sent += 1;
        }
        let Some(second) = index(record.end_ms).and_then(|end| seconds.get_mut(end)) else {
            continue;
        };
        match record.outcome {
            Outcome::Answered { .. } => second.answered += 1,
            Outcome::Failed { .. } => second.failed += 1,
            Outcome::Cut => {}
        }
    }
    seconds
}

#[cfg(test)]
pub(crate) mod tests;
