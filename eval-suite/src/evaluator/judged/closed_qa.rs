//! E19, does the answer meet one criterion, whatever else is wrong with it?

use super::grade::{Spec, Variable, grade};
use super::{Descriptor, YES_NO};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "closed_qa",
    version: 1,
    description: "Whether the answer meets one criterion, judged by that criterion alone.",
    needs: "output; criteria as option or as expected; input where there is one",
    options: "criteria, threshold",
    calls: "1 a vote",
    build: |parts| {
        grade(
            &parts,
            Spec::new(
                include_str!("../../judge/prompts/closed_qa.md"),
                &[Variable::Question, Variable::Answer, Variable::Criteria],
                YES_NO,
            )
            .of_refusals_too(),
        )
    },
};
