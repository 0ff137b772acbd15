//! The help is part of the interface.

use crate::support::Workspace;

#[test]
fn the_commands() {
    insta::assert_snapshot!(Workspace::new().run(&["--help"]).exits(0).stdout());
}

#[test]
fn hpo() {
    insta::assert_snapshot!(Workspace::new().run(&["hpo", "--help"]).exits(0).stdout());
}

#[test]
fn destroy() {
    insta::assert_snapshot!(
        Workspace::new()
            .run(&["destroy", "--help"])
            .exits(0)
            .stdout()
    );
}

#[test]
fn an_unknown_option_is_wrong_usage() {
    let stderr = Workspace::new()
        .run(&["hpo", "--datsaet", "x"])
        .exits(2)
        .stderr();
    assert!(
        stderr.contains("a similar argument exists: '--dataset'"),
        "{stderr}"
    );
}
