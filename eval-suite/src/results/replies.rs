//! Recorded answers as the replies they were, for judging them anew.

use super::ItemResult;
use crate::client::{Reply, Usage};

impl ItemResult {
    /// One reply a turn, as the agent gave them; the reason why not when a turn has no answer.
    ///
    /// An item records latency and usage of all turns together; the first turn's share is what the others leave.
    ///
    /// # Errors
    /// With the recorded error when the agent did not answer.
    pub fn replies(&self) -> Result<Vec<Reply>, String> {
        if let Some(error) = &self.error {
            return Err(error.message.clone());
        }
        let reply = |text: &Option<String>, number: usize| {
            text.clone()
                .ok_or_else(|| format!("turn {number} has no recorded answer"))
        };
        let further_ms: f64 = self.turns.iter().filter_map(|turn| turn.latency_ms).sum();
        let mut replies = vec![Reply {
            text: reply(&self.answer, 1)?,
            stop_reason: self.stop_reason.clone().unwrap_or_default(),
            model_id: self.model_id.clone(),
            trajectory: self.trajectory.clone(),
            usage: self.first_usage(),
            latency_ms: (self.latency_ms.unwrap_or(0.0) - further_ms).max(0.0),
            trace_id: Some(self.trace_id.clone()),
        }];
        for (index, turn) in self.turns.iter().enumerate() {
            replies.push(Reply {
                text: reply(&turn.answer, index + 2)?,
                stop_reason: turn.stop_reason.clone().unwrap_or_default(),
                model_id: self.model_id.clone(),
                trajectory: turn.trajectory.clone(),
                usage: turn.usage,
                latency_ms: turn.latency_ms.unwrap_or(0.0),
                trace_id: Some(self.trace_id.clone()),
            });
        }
        Ok(replies)
    }

    fn first_usage(&self) -> Option<Usage> {
        self.turns.iter().try_fold(self.usage?, |left, turn| {
            let used = turn.usage?;
            let less = |all: Option<u64>, part: Option<u64>| {
                all.map(|all| all.saturating_sub(part.unwrap_or(0)))
            };
            Some(Usage {
                input_tokens: left.input_tokens.saturating_sub(used.input_tokens),
                output_tokens: left.output_tokens.saturating_sub(used.output_tokens),
                total_tokens: left.total_tokens.saturating_sub(used.total_tokens),
                cache_read_input_tokens: less(
                    left.cache_read_input_tokens,
                    used.cache_read_input_tokens,
                ),
                cache_write_input_tokens: less(
                    left.cache_write_input_tokens,
                    used.cache_write_input_tokens,
                ),
                model_calls: left.model_calls.saturating_sub(used.model_calls),
                model_latency_ms: (left.model_latency_ms - used.model_latency_ms).max(0.0),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::item;
    use super::super::{ItemError, TurnResult};
    use super::*;

    #[test]
    fn the_first_turn_is_what_the_others_leave() {
        let usage = |tokens| Usage {
            input_tokens: tokens,
            ..Usage::default()
        };
        let mut session = item("a");
        session.latency_ms = Some(30.0);
        session.usage = Some(usage(5));
        session.turns = vec![TurnResult {
            input: "and then?".to_owned(),
            answer: Some("later".to_owned()),
            stop_reason: None,
            latency_ms: Some(20.0),
            usage: Some(usage(2)),
            trajectory: None,
        }];
        let replies = session.replies().unwrap();
        let seen: Vec<_> = replies
            .iter()
            .map(|r| (r.text.as_str(), r.latency_ms, r.usage.unwrap().input_tokens))
            .collect();
        assert_eq!(seen, [("answer", 10.0, 3), ("later", 20.0, 2)]);
        session.turns[0].answer = None;
        assert_eq!(
            session.replies().unwrap_err(),
            "turn 2 has no recorded answer"
        );
        session.error = Some(ItemError {
            kind: None,
            message: "cancelled".to_owned(),
        });
        assert_eq!(session.replies().unwrap_err(), "cancelled");
    }
}
