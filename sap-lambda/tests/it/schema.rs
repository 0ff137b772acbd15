//! The generated file that Terraform and the gateway read.

use sap_lambda::tools::gateway_tools;
use serde_json::Value;

#[test]
fn the_committed_tool_schema_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../terraform/sap_tools.json");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let committed: Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(
        committed == gateway_tools(),
        "terraform/sap_tools.json is stale; run: cargo run -p sap-lambda --bin tool-schema > terraform/sap_tools.json"
    );
}
