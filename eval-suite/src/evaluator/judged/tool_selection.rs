//! E23, was each tool the right one to call?

use super::Descriptor;
use super::tool_use::per_call;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: "tool_selection",
    version: 1,
    description: "Share of the tool calls that were justified when they were made.",
    needs: "output with a trajectory, input",
    options: "tools (what there is to choose from), threshold = 1",
    calls: "1 a tool call and vote",
    build: |parts| {
        per_call(
            &parts,
            include_str!("../../judge/prompts/tool_selection.md"),
        )
    },
};
