//! E23, was every explicit instruction followed?

use super::grade::{Spec, Variable, grade};
use super::{Descriptor, YES_NO};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "instruction_following",
    version: 1,
    description: "Whether the answer follows every explicit instruction about its form.",
    needs: "output, input; instructions beyond the question as option",
    options: "criteria, threshold",
    calls: "1 a vote",
    build: |parts| {
        grade(
            &parts,
            Spec::new(
                include_str!("../../judge/prompts/instruction_following.md"),
                &[
                    Variable::Question,
                    Variable::CriteriaIfAny,
                    Variable::Answer,
                ],
                YES_NO,
            )
            .of_refusals_too(),
        )
    },
};
