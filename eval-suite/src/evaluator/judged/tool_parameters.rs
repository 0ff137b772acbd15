//! E23, do the arguments of each call come from the session?

use super::Descriptor;
use super::tool_use::per_call;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "tool_parameters",
    version: 1,
    description: "Share of the tool calls whose arguments come from the question or from what the session had shown.",
    needs: "output with a trajectory, input",
    options: "tools (what there is to choose from), threshold = 1",
    calls: "1 a tool call and vote",
    build: |parts| {
        per_call(
            &parts,
            include_str!("../../judge/prompts/tool_parameters.md"),
        )
    },
};
