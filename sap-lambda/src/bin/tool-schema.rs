//! Prints the gateway's inline tool schema: the content of `terraform/sap_tools.json`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(&sap_lambda::tools::gateway_tools())?;
    writeln!(std::io::stdout().lock(), "{text}")
}
