//! E17, how do the facts of the answer relate to the reference's? The five relations of autoevals, with a choice of
//! published opinions on what each is worth.
//!
//! A full answer is normally a superset of a short reference, so a map that marks supersets down marks good answers
//! down; where single facts are known, `judged_facts` asks the better question.

use super::Descriptor;
use super::grade::{Spec, Variable, grade};
use crate::judge::FactualityMap;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "factuality",
    version: 1,
    description: "How the facts of the answer relate to the reference's: subset, superset, same, contradiction or immaterial.",
    needs: "output, expected; input where there is one",
    options: "choice_map = strict-support|autoevals|promptfoo, threshold",
    calls: "1 a vote",
    build: |parts| {
        let map: FactualityMap = match parts.options.get("choice_map") {
            Some(name) => {
                serde_json::from_value(name.clone()).map_err(|error| parts.wrong(error))?
            }
            None => parts
                .setup
                .judge
                .as_ref()
                .map(|judge| judge.config().choice_map)
                .unwrap_or_default(),
        };
        grade(
            &parts,
            Spec::new(
                include_str!("../../judge/prompts/factuality.md"),
                &[Variable::Question, Variable::Expected, Variable::Answer],
                map.choices(),
            ),
        )
    },
};
