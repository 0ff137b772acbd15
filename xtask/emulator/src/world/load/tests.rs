use super::*;

const SMALL: &str = r#"
region = "us-east-1"
account_id = "123456789012"
[langfuse]
project_id = "p"
project_name = "n"
public_key = "pk"
secret_key = "${random:langfuse}"
[oauth]
user_pool_id = "us-east-1_p"
clients = []
[sap]
username = "DEMO"
password = "${random:langfuse}"
[outputs]
URL = "${url}/x/${url}"
ROOT = "${root}"
BIN = "${bin_dir}/sap-lambda"
"#;

struct Loaded {
    result: Result<World, WorldError>,
    dir: tempfile::TempDir,
}

fn load_text(text: &str) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let result = load_in(&dir, text);
    Loaded { result, dir }
}

fn load_in(dir: &tempfile::TempDir, text: &str) -> Result<World, WorldError> {
    let path = dir.path().join("world.toml");
    std::fs::write(&path, text).unwrap();
    let places = Places {
        url: "http://127.0.0.1:1".to_owned(),
        root: PathBuf::from("/repo"),
        bin_dir: PathBuf::from("/repo/bin"),
        secrets_file: dir.path().join("secrets.json"),
    };
    load(&path, &places)
}

/// The message without the folder.
fn message(loaded: Loaded) -> String {
    use std::error::Error as _;
    let error = loaded.result.unwrap_err();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text.replace(&format!("{}/", loaded.dir.path().display()), "")
}

#[test]
fn placeholders_are_filled_and_a_secret_is_the_same_everywhere() {
    let loaded = load_text(SMALL);
    let world = loaded.result.unwrap();
    assert_eq!(
        world.outputs["URL"],
        "http://127.0.0.1:1/x/http://127.0.0.1:1"
    );
    assert_eq!(world.outputs["ROOT"], "/repo");
    assert_eq!(world.outputs["BIN"], "/repo/bin/sap-lambda");
    assert_eq!(world.sap.password, world.langfuse.secret_key);
    assert_eq!(world.sap.password.len(), 32);
    assert!(!format!("{world:?}").contains(&world.sap.password));

    let again = load_in(&loaded.dir, SMALL).unwrap();
    assert_eq!(
        again.sap.password, world.sap.password,
        "a second start drew another secret"
    );
}

#[test]
fn secrets_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let loaded = load_text(SMALL);
    let mode = std::fs::metadata(loaded.dir.path().join("secrets.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn errors_name_file_key_and_expectation() {
    let bridge = |url: &str, id: &str| {
        format!("{SMALL}[models.bridge]\nbase_url = \"{url}\"\nmodels = {{ \"{id}\" = \"b\" }}\n")
    };
    let cases = [
        (
            bridge("http://me:pw@host/v1", "a"),
            "world.toml: `models.bridge.base_url`: expected an http or https URL without user, password and query",
        ),
        (
            bridge("http://host/v1", "simulated.a"),
            "world.toml: `models.bridge.models.\"simulated.a\"`: a real model must not have an id that starts with `simulated.`",
        ),
        (
            SMALL.replace("${url}/x", "${uri}/x"),
            "world.toml: `outputs.URL`: unknown placeholder `${uri}`, expected `${url}`, `${root}`, `${bin_dir}` or `${random:NAME}` with a NAME of lower-case letters, digits and `-`",
        ),
        (
            SMALL.replace("${root}", "${root"),
            "world.toml: `outputs.ROOT`: a `${` without its `}`",
        ),
        (
            SMALL.replace("\"123456789012\"", "12"),
            "world.toml: `account_id`: invalid type: integer `12`, expected a string",
        ),
        (
            SMALL.replace("123456789012", "12"),
            "world.toml: `account_id`: expected twelve digits",
        ),
        (
            SMALL.replace("clients = []", "clients = []\nclientes = 1"),
            "world.toml: `oauth.clientes`: unknown field `clientes`, expected `user_pool_id` or `clients`",
        ),
        (
            format!("{SMALL}[[parameters]]\nname = \"/a\"\nkind = \"Text\"\nvalue = \"\"\n"),
            "world.toml: `parameters[0].kind`: unknown variant `Text`, expected `String` or `SecureString`",
        ),
        (
            format!(
                "{SMALL}[[secrets]]\nname = \"a\"\nvalue = \"\"\n[[secrets]]\nname = \"a\"\nvalue = \"\"\n"
            ),
            "world.toml: `secrets[1].name`: `a` stands here a second time",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(message(load_text(&text)), expected);
    }
    let syntax = message(load_text("region = \n"));
    assert!(
        syntax.starts_with("world.toml: not TOML: TOML parse error at line 1"),
        "{syntax}"
    );
}
