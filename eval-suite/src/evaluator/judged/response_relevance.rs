//! E23, does the answer speak to the question?

use super::grade::{Spec, Variable, grade};
use super::{Descriptor, FIVE_LEVELS};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "response_relevance",
    version: 1,
    description: "How far the answer speaks to what was asked, on five levels; passes from the middle.",
    needs: "output, input",
    options: "threshold",
    calls: "1 a vote",
    build: |parts| {
        grade(
            &parts,
            Spec::new(
                include_str!("../../judge/prompts/relevance.md"),
                &[Variable::Question, Variable::Answer],
                FIVE_LEVELS,
            ),
        )
    },
};
