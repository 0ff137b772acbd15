//! Was the answer quick enough?

use async_trait::async_trait;

use super::{Aspect, Budget, Evaluator, EvaluatorError, Finding, identity_hash};
use crate::client::Reply;
use crate::dataset::Case;

/// Wall-clock time of the answer against a soft budget.
#[derive(Clone, Copy, Debug)]
pub struct LatencyBudget {
    budget_ms: Budget,
}

impl LatencyBudget {
    /// The evaluator's name.
    pub(super) const NAME: &'static str = "latency";

    /// A budget in milliseconds.
    pub fn new(budget_ms: Budget) -> Self {
        Self { budget_ms }
    }
}

#[async_trait]
impl Evaluator for LatencyBudget {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn description(&self) -> &'static str {
        "1 up to the target time, falling to 0 at the limit."
    }

    fn aspect(&self) -> Aspect {
        Aspect::Budget
    }

    fn identity(&self) -> String {
        let Budget { target, limit } = self.budget_ms;
        identity_hash(&[Self::NAME, "1", &format!("{target} {limit}")])
    }

    async fn evaluate(&self, _case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let Budget { target, limit } = self.budget_ms;
        Ok(Finding::Scored {
            value: self.budget_ms.score(reply.latency_ms),
            passed: reply.latency_ms < limit,
            reason: format!(
                "{:.0} ms, target {target:.0} ms, limit {limit:.0} ms",
                reply.latency_ms
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{case, check_reply, reply};
    use super::{Budget, LatencyBudget};

    #[test]
    fn soft_budget() {
        let evaluator = LatencyBudget::new(Budget {
            target: 1000.0,
            limit: 3000.0,
        });
        let any = case("en", r#"{"must_refuse":true}"#);
        let took = |latency_ms| {
            let mut reply = reply("x");
            reply.latency_ms = latency_ms;
            reply
        };
        check_reply(
            &evaluator,
            &any,
            &took(1000.0),
            "1 passed: 1000 ms, target 1000 ms, limit 3000 ms",
        );
        check_reply(
            &evaluator,
            &any,
            &took(2500.0),
            "0.25 passed: 2500 ms, target 1000 ms, limit 3000 ms",
        );
        check_reply(
            &evaluator,
            &any,
            &took(3000.0),
            "0 failed: 3000 ms, target 1000 ms, limit 3000 ms",
        );
    }
}
