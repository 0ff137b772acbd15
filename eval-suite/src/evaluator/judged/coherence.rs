//! E23, does the answer hang together?

use super::grade::{Spec, Variable, grade};
use super::{Descriptor, FIVE_LEVELS};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "coherence",
    version: 1,
    description: "Whether the answer hangs together and does not contradict itself, on five levels; passes from the middle.",
    needs: "output, input",
    options: "threshold",
    calls: "1 a vote",
    build: |parts| {
        grade(
            &parts,
            Spec::new(
                include_str!("../../judge/prompts/coherence.md"),
                &[Variable::Question, Variable::Answer],
                FIVE_LEVELS,
            ),
        )
    },
};
