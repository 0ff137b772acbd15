//! Choosing where to work.

use crate::support::Workspace;

#[test]
fn an_unknown_environment_is_refused() {
    let stderr = Workspace::new()
        .run(&["list", "--env", "prd"])
        .exits(2)
        .stderr();
    assert!(
        stderr.contains("no environment `prd`: expected one of local"),
        "{stderr}"
    );
    assert!(
        stderr.contains("hint: environments other than local"),
        "{stderr}"
    );
}

#[test]
fn a_folder_that_is_not_the_workspace_is_refused() {
    let workspace = Workspace::new();
    std::fs::remove_dir_all(workspace.path("xtask")).unwrap();
    let stderr = workspace.run(&["list"]).exits(2).stderr();
    assert!(
        stderr.contains("FLYWHEEL_ROOT: expected the workspace root"),
        "{stderr}"
    );
}
