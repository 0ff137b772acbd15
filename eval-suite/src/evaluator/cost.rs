//! Was the answer cheap enough?

use async_trait::async_trait;

use super::{Aspect, Budget, Evaluator, EvaluatorError, Finding, identity_hash};
use crate::client::Reply;
use crate::cost::PriceTable;
use crate::dataset::Case;

/// US dollars of the answer against a soft budget. Unknown usage or price is not a price of zero.
#[derive(Clone, Debug)]
pub struct CostBudget {
    budget_usd: Budget,
    prices: Option<PriceTable>,
    identity: String,
}

impl CostBudget {
    /// A budget in US dollars.
    pub fn new(budget_usd: Budget, prices: Option<PriceTable>) -> Self {
        let Budget { target, limit } = budget_usd;
        let options = format!("{target} {limit} {prices:?}");
        Self {
            budget_usd,
            prices,
            identity: identity_hash(&["cost", "1", &options]),
        }
    }
}

#[async_trait]
impl Evaluator for CostBudget {
    fn name(&self) -> &'static str {
        "cost"
    }

    fn description(&self) -> &'static str {
        "1 up to the target cost, falling to 0 at the limit."
    }

    fn aspect(&self) -> Aspect {
        Aspect::Budget
    }

    fn identity(&self) -> String {
        self.identity.clone()
    }

    async fn evaluate(&self, _case: &Case, reply: &Reply) -> Result<Finding, EvaluatorError> {
        let not_applicable = |reason: String| Ok(Finding::NotApplicable { reason });
        let Some(prices) = &self.prices else {
            return not_applicable("no price table".to_owned());
        };
        let (Some(model_id), Some(usage)) = (&reply.model_id, &reply.usage) else {
            return not_applicable("the agent reported no usage".to_owned());
        };
        let Some(cost) = prices.cost_usd(model_id, usage) else {
            return not_applicable(format!("no price for model `{model_id}`"));
        };
        let Budget { target, limit } = self.budget_usd;
        Ok(Finding::Scored {
            value: self.budget_usd.score(cost),
            passed: cost < limit,
            reason: format!("{cost:.6} USD, target {target} USD, limit {limit} USD"),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::testing::{case, check_reply, reply};
    use super::{Budget, CostBudget, PriceTable};
    use crate::client::Usage;

    #[test]
    fn soft_budget() {
        let table = "version = 1\n[models.m]\ninput_usd_per_million_tokens = 10.0\noutput_usd_per_million_tokens = 20.0\n";
        let prices = PriceTable::parse(table, Path::new("prices.toml")).unwrap();
        let evaluator = CostBudget::new(
            Budget {
                target: 0.01,
                limit: 0.03,
            },
            Some(prices),
        );
        let any = case("en", r#"{"must_refuse":true}"#);
        let mut known = reply("x");
        known.model_id = Some("m".into());
        known.usage = Some(Usage {
            input_tokens: 1000,
            output_tokens: 500,
            ..Usage::default()
        });
        check_reply(
            &evaluator,
            &any,
            &known,
            "0.5 passed: 0.020000 USD, target 0.01 USD, limit 0.03 USD",
        );
        known.model_id = Some("other".into());
        check_reply(
            &evaluator,
            &any,
            &known,
            "not_applicable: no price for model `other`",
        );
        check_reply(
            &evaluator,
            &any,
            &reply("x"),
            "not_applicable: the agent reported no usage",
        );
        check_reply(
            &CostBudget::new(
                Budget {
                    target: 1.0,
                    limit: 2.0,
                },
                None,
            ),
            &any,
            &known,
            "not_applicable: no price table",
        );
    }
}
