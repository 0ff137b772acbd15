//! E23, how far does the answer help? The seven levels of strands and AgentCore.

use super::Descriptor;
use super::grade::{Spec, Variable, grade};
use crate::judge::Choices;

/// As strands-agents-evals and AgentCore score them.
pub(super) const SEVEN_LEVELS: Choices = Choices::new(
    "helpfulness",
    &[
        ("not_at_all_helpful", 0.0),
        ("very_unhelpful", 0.167),
        ("somewhat_unhelpful", 0.333),
        ("neutral", 0.5),
        ("somewhat_helpful", 0.667),
        ("very_helpful", 0.833),
        ("above_and_beyond", 1.0),
    ],
    0.5,
);

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "helpfulness",
    version: 1,
    description: "How far the answer helps the user, on seven levels; passes from the middle.",
    needs: "output, input",
    options: "threshold",
    calls: "1 a vote",
    build: |parts| {
        grade(
            &parts,
            Spec::new(
                include_str!("../../judge/prompts/helpfulness.md"),
                &[Variable::Question, Variable::Answer],
                SEVEN_LEVELS,
            ),
        )
    },
};
