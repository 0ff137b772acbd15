//! `gateway inspector`: how to look at the gateway with the MCP project's own tool. The token is never printed.

use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

/// The release that the commands below are known to work with.
pub(crate) const PACKAGE: &str = "@modelcontextprotocol/inspector@2.12.0";
/// What that release runs on.
const NODE: &str = "22.19";

/// What to type.
#[derive(Debug, Serialize)]
pub(crate) struct SetUp {
    version: u32,
    /// npm package with its version.
    package: &'static str,
    /// Oldest Node.js it runs on.
    node: &'static str,
    /// Where the gateway is.
    url: String,
    /// How it is spoken to.
    transport: &'static str,
    /// What has to be sent with every request.
    header: &'static str,
    /// Prints the token, and nothing else, on stdout.
    token_command: String,
    /// Shell lines.
    commands: Commands,
    /// Whether the environment lasts only as long as a command uses it.
    needs_holding: bool,
}

#[derive(Debug, Serialize)]
struct Commands {
    /// Browser.
    web: String,
    /// Lists the tools.
    list: String,
    /// Calls one.
    call: String,
}

impl SetUp {
    /// For the gateway at `url` of the environment `environment`.
    pub(crate) fn new(
        environment: &str,
        url: &Url,
        tool: &str,
        arguments: &Map<String, Value>,
        needs_holding: bool,
    ) -> Self {
        let header = r#"--header "Authorization: Bearer $TOKEN""#;
        let cli = format!("npx -y {PACKAGE} --cli {url} --transport http {header}");
        let arguments = Value::Object(arguments.clone()).to_string();
        Self {
            version: 1,
            package: PACKAGE,
            node: NODE,
            url: url.to_string(),
            transport: "http (Streamable HTTP)",
            header: "Authorization: Bearer <token>",
            token_command: format!("cargo xtask gateway token --reveal --env {environment}"),
            commands: Commands {
                web: format!("npx -y {PACKAGE} --web --transport http --server-url {url} {header}"),
                list: format!("{cli} --method tools/list"),
                call: format!(
                    "{cli} --method tools/call --tool-name {tool} --tool-args-json '{}'",
                    arguments.replace('\'', r"'\''")
                ),
            },
            needs_holding,
        }
    }
}

impl std::fmt::Display for SetUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            version: _,
            package,
            node,
            url,
            transport,
            header,
            token_command,
            commands,
            needs_holding,
        } = self;
        writeln!(
            f,
            "MCP Inspector: {package}, needs Node.js {node} or newer\n"
        )?;
        writeln!(f, "  URL        {url}")?;
        writeln!(f, "  Transport  {transport}")?;
        writeln!(f, "  Header     {header}\n")?;
        let terminal = if *needs_holding {
            " in a second terminal, while this command keeps the environment up"
        } else {
            ""
        };
        writeln!(
            f,
            "1. Get a token{terminal}:\n\n  TOKEN=$({token_command})\n"
        )?;
        writeln!(f, "2. In the browser:\n\n  {}\n", commands.web)?;
        writeln!(
            f,
            "3. Or on the command line:\n\n  {}\n\n  {}\n",
            commands.list, commands.call
        )?;
        write!(
            f,
            "A token lives for an hour or less: when the gateway answers 401, repeat step 1."
        )?;
        if *needs_holding {
            write!(
                f,
                "\nThis command keeps the environment up until Ctrl-C; without it the address above is gone in seconds."
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_to_type() {
        let url = "https://gw.example/mcp".parse().unwrap();
        let arguments = json!({"po_number": "45'"});
        let arguments = arguments.as_object().unwrap();
        let set_up = SetUp::new("dev", &url, "sap___get_complete_po_data", arguments, true);
        insta::assert_snapshot!(set_up);
    }
}
