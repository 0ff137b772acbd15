//! Models that fail when they are told to, so that whoever calls them can be seen to cope.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::protocol::AwsError;

/// Longest time a fault may last, and the longest time a request is held.
const LONGEST_SECONDS: u64 = 3600;
const LONGEST_HOLD_SECONDS: u64 = 600;
/// How long a request is held unless told otherwise: longer than most callers wait.
const HOLD_SECONDS: u64 = 120;
/// Most models with orders at a time.
const MOST_ORDERS: usize = 100;
/// Stands for every model.
const EVERY_MODEL: &str = "*";
/// What is chosen off the menu.
const OFF_MENU: &str = "off_menu";

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// 429 ThrottlingException.
    Throttle,
    /// 500 InternalServerException.
    Error,
    /// 503 ServiceUnavailableException.
    Down,
    /// No answer until the caller gives up; then 408 ModelTimeoutException.
    Timeout,
    /// A tool is called with a choice that is not among those on offer.
    OffMenu,
    /// Text instead of a tool call.
    NoTool,
}

/// The order to fail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Orders {
    /// Which model; `*` is every model.
    model_id: String,
    kind: Kind,
    /// How many of the next requests; 0 ends it.
    requests: Option<u32>,
    /// For how long.
    seconds: Option<u64>,
    /// `timeout` only: how long a request is held.
    hold_seconds: Option<u64>,
}

/// A fault that is going on.
#[derive(Debug, Clone)]
struct Going {
    kind: Kind,
    requests: Option<u32>,
    until: Option<Instant>,
    hold: Duration,
}

/// What to do with one request.
#[derive(Debug)]
pub(super) enum Fault {
    /// Refuse it.
    Refuse(AwsError),
    /// Hold it this long, then refuse it.
    Hold(Duration),
    /// Answer it, and spoil the answer.
    Spoil(Kind),
}

/// Who is to fail, and how.
#[derive(Debug, Default)]
pub(super) struct Faults {
    orders: Mutex<BTreeMap<String, Going>>,
}

impl Faults {
    /// Takes new orders in place of the model's old ones.
    ///
    /// # Errors
    /// A sentence when they are out of bounds or would never end.
    pub(super) fn set(&self, orders: Orders) -> Result<(), String> {
        if orders.requests.is_none() && orders.seconds.is_none() {
            return Err("say how many `requests` or for how many `seconds`".to_owned());
        }
        if orders
            .seconds
            .is_some_and(|seconds| seconds > LONGEST_SECONDS)
        {
            return Err(format!("`seconds` is at most {LONGEST_SECONDS}"));
        }
        let hold = orders.hold_seconds.unwrap_or(HOLD_SECONDS);
        if hold > LONGEST_HOLD_SECONDS {
            return Err(format!("`hold_seconds` is at most {LONGEST_HOLD_SECONDS}"));
        }
        let mut all = self.lock();
        if orders.requests == Some(0) {
            all.remove(&orders.model_id);
            return Ok(());
        }
        if all.len() >= MOST_ORDERS && !all.contains_key(&orders.model_id) {
            return Err(format!("at most {MOST_ORDERS} models fail at a time"));
        }
        let going = Going {
            kind: orders.kind,
            requests: orders.requests,
            until: orders
                .seconds
                .map(|seconds| Instant::now() + Duration::from_secs(seconds)),
            hold: Duration::from_secs(hold),
        };
        all.insert(orders.model_id, going);
        Ok(())
    }

    /// Ends every fault.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// What is going on, for people.
    pub(super) fn list(&self) -> Value {
        let mut all = self.lock();
        let now = Instant::now();
        all.retain(|_, going| !going.is_over(now));
        all.iter()
            .map(|(model_id, going)| {
                json!({
                    "model_id": model_id,
                    "kind": going.kind,
                    "requests_left": going.requests,
                    "seconds_left": going.until.map(|until| (until - now).as_secs()),
                })
            })
            .collect()
    }

    /// What is to happen to a request, which counts.
    pub(super) fn next(&self, model_id: &str) -> Option<Fault> {
        let mut all = self.lock();
        let now = Instant::now();
        all.retain(|_, going| !going.is_over(now));
        let name = [model_id, EVERY_MODEL]
            .into_iter()
            .find(|name| all.contains_key(*name))?;
        let going = all.get_mut(name)?;
        if let Some(requests) = &mut going.requests {
            *requests -= 1;
        }
        Some(fault(going))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Going>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Going {
    fn is_over(&self, now: Instant) -> bool {
        self.requests == Some(0) || self.until.is_some_and(|until| until <= now)
    }
}

fn fault(going: &Going) -> Fault {
    let refuse = |status, code, message: &str| Fault::Refuse(AwsError::new(status, code, message));
    match going.kind {
        Kind::Throttle => refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "ThrottlingException",
            "Too many requests, please wait before trying again.",
        ),
        Kind::Error => refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerException",
            "The model failed, as it was told to.",
        ),
        Kind::Down => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailableException",
            "The model is down, as it was told to be.",
        ),
        Kind::Timeout => Fault::Hold(going.hold),
        kind @ (Kind::OffMenu | Kind::NoTool) => Fault::Spoil(kind),
    }
}

/// The error after a request was held.
pub(super) fn timed_out() -> AwsError {
    AwsError::new(
        StatusCode::REQUEST_TIMEOUT,
        "ModelTimeoutException",
        "The model took too long, as it was told to.",
    )
}

/// Spoils a good answer.
pub(super) fn spoil(mut answer: Value, kind: Kind) -> Value {
    let content = answer
        .pointer_mut("/output/message/content")
        .and_then(Value::as_array_mut);
    let Some(content) = content else {
        return answer;
    };
    if kind == Kind::NoTool {
        *content = vec![json!({"text": "I would rather talk about it."})];
        answer["stopReason"] = json!("end_turn");
        return answer;
    }
    for block in content {
        if let Some(input) = block
            .pointer_mut("/toolUse/input")
            .and_then(Value::as_object_mut)
        {
            for (name, value) in input {
                match name.as_str() {
                    "choice" => *value = json!(OFF_MENU),
                    "items" => *value = json!({"not": "a list"}),
                    _ => {}
                }
            }
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(text: &str) -> Orders {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_fault_ends_after_its_requests() {
        let faults = Faults::default();
        faults
            .set(orders(
                r#"{"model_id": "a", "kind": "throttle", "requests": 2}"#,
            ))
            .unwrap();
        assert!(faults.next("b").is_none());
        for _ in 0..2 {
            assert!(
                matches!(faults.next("a"), Some(Fault::Refuse(error)) if error.code == "ThrottlingException")
            );
        }
        assert!(faults.next("a").is_none());
        assert_eq!(faults.list(), json!([]));
    }

    #[test]
    fn the_model_s_own_orders_come_before_everybody_s() {
        let faults = Faults::default();
        faults
            .set(orders(
                r#"{"model_id": "*", "kind": "down", "seconds": 60}"#,
            ))
            .unwrap();
        faults
            .set(orders(
                r#"{"model_id": "a", "kind": "off_menu", "seconds": 60}"#,
            ))
            .unwrap();
        assert!(matches!(
            faults.next("a"),
            Some(Fault::Spoil(Kind::OffMenu))
        ));
        assert!(
            matches!(faults.next("b"), Some(Fault::Refuse(error)) if error.code == "ServiceUnavailableException")
        );
        faults.clear();
        assert!(faults.next("b").is_none());
    }

    #[test]
    fn orders_are_bounded() {
        let faults = Faults::default();
        for (text, why) in [
            (r#"{"model_id": "a", "kind": "down"}"#, "how many"),
            (
                r#"{"model_id": "a", "kind": "down", "seconds": 4000}"#,
                "at most 3600",
            ),
            (
                r#"{"model_id": "a", "kind": "timeout", "requests": 1, "hold_seconds": 700}"#,
                "at most 600",
            ),
        ] {
            let error = faults.set(orders(text)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn spoils_choices_and_lists() {
        let answer = |input: Value| json!({"output": {"message": {"content": [{"toolUse": {"name": "t", "input": input}}]}}, "stopReason": "tool_use"});
        let spoilt = spoil(
            answer(json!({"choice": "yes", "reasons": []})),
            Kind::OffMenu,
        );
        assert_eq!(spoilt, answer(json!({"choice": "off_menu", "reasons": []})));
        let spoilt = spoil(answer(json!({"choice": "yes"})), Kind::NoTool);
        assert_eq!(spoilt["stopReason"], "end_turn");
        assert!(spoilt.pointer("/output/message/content/0/text").is_some());
    }
}
