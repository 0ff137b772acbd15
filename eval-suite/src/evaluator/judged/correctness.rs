//! E23, is the answer right, against a reference where there is one?

use super::Descriptor;
use super::grade::{Spec, Variable, grade};
use crate::judge::Choices;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "correctness",
    version: 1,
    description: "Whether the answer is right: incorrect, partly or wholly correct, against the reference where there is one; passes only if wholly.",
    needs: "output, input; expected where there is one",
    options: "threshold",
    calls: "1 a vote",
    build: |parts| {
        grade(
            &parts,
            Spec::new(
                include_str!("../../judge/prompts/correctness.md"),
                &[
                    Variable::Question,
                    Variable::ExpectedIfAny,
                    Variable::Answer,
                ],
                CHOICES,
            ),
        )
    },
};

pub(super) const CHOICES: Choices = Choices::new(
    "correctness",
    &[
        ("incorrect", 0.0),
        ("partly_correct", 0.5),
        ("correct", 1.0),
    ],
    1.0,
);
