//! What `gateway` and `e2e` say and refuse before they talk to anything.

use crate::support::Workspace;

const FILE: &str = "xtask/flywheel/config/e2e.toml";

#[track_caller]
fn help(arguments: &[&str]) -> String {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--help"]).collect();
    let help = Workspace::new().run(&arguments).exits(0).stdout();
    // The options that every command has are told by the first help.
    let (own, rest) = help.split_once("\nGlobal options:").unwrap_or((&help, ""));
    let after = rest.find("\nExample").or_else(|| rest.find("\nExit codes"));
    format!("{own}{}", after.map_or("", |at| &rest[at..]))
}

#[test]
fn help_teaches_by_example() {
    insta::assert_snapshot!("gateway", help(&["gateway"]));
    for action in ["token", "tools", "call", "test", "inspector"] {
        let help = help(&["gateway", action]);
        assert!(help.contains("Examples:\n  "), "{help}");
        insta::assert_snapshot!(format!("gateway_{action}"), help);
    }
    insta::assert_snapshot!("e2e", help(&["e2e"]));
}

#[test]
fn the_plan_names_the_questions() {
    let workspace = Workspace::new();
    let stdout = workspace.run(&["e2e", "--dry-run"]).exits(0).stdout();
    assert!(
        stdout.starts_with("Would ask an agent deployed for this run in `local` "),
        "{stdout}"
    );
    let one = [
        "e2e",
        "--dry-run",
        "--question",
        "po_520_total_he",
        "--format",
        "json",
    ];
    let stdout = workspace.run(&one).exits(0).stdout();
    let plan: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(plan["questions"].as_array().unwrap().len(), 1);
    assert_eq!(plan["questions"][0]["tool"], "get_complete_po_data");
}

#[test]
fn wrong_usage_is_told_before_anything_is_begun() {
    let check = |workspace: &Workspace, arguments: &[&str], expected: &str| {
        let stderr = workspace.run(arguments).exits(2).stderr();
        assert!(
            stderr.contains(expected),
            "expected `{expected}` in:\n{stderr}"
        );
        assert!(
            !workspace.path("target").exists(),
            "something was begun:\n{stderr}"
        );
    };
    let workspace = Workspace::new();
    check(
        &workspace,
        &["e2e", "--question", "nobody"],
        "--question: e2e.toml has no question `nobody`",
    );
    check(
        &workspace,
        &["e2e", "--question", "nobody"],
        "hint: it has po_520_total_en, ",
    );
    check(
        &workspace,
        &["e2e", "--runtime", "fw_x"],
        "--runtime: `fw_x` is no runtime ARN",
    );
    check(&workspace, &["gateway"], "Usage: cargo xtask gateway");
    check(&workspace, &["gateway", "call"], "<TOOL>");
    check(
        &workspace,
        &["gateway", "token", "--env", "prd"],
        "no environment `prd`: expected one of local",
    );

    let workspace = Workspace::new();
    workspace.edit(
        FILE,
        "tool = \"get_complete_po_data\"\nfacts",
        "tol = \"x\"\nfacts",
    );
    check(&workspace, &["e2e"], "e2e.toml: questions[0].tol");
    check(&workspace, &["gateway", "test"], "unknown field `tol`");
}
