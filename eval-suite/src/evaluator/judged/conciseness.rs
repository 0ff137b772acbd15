//! E23, does the answer take no more words than it needs?

use super::Descriptor;
use super::grade::{Spec, Variable, grade};
use crate::judge::Choices;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "conciseness",
    version: 1,
    description: "Whether the answer takes no more words than it needs: verbose, adequate or concise; passes from adequate.",
    needs: "output, input",
    options: "threshold",
    calls: "1 a vote",
    build: |parts| {
        grade(
            &parts,
            Spec::new(
                include_str!("../../judge/prompts/conciseness.md"),
                &[Variable::Question, Variable::Answer],
                CHOICES,
            ),
        )
    },
};

pub(super) const CHOICES: Choices = Choices::new(
    "conciseness",
    &[("verbose", 0.0), ("adequate", 0.5), ("concise", 1.0)],
    0.5,
);
