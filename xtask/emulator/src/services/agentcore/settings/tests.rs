use serde_json::json;

use super::*;

fn body() -> Value {
    json!({
        "agentRuntimeArtifact": {"containerConfiguration": {
            "containerUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/agent:v1"
        }},
        "roleArn": "arn:aws:iam::123456789012:role/agent",
    })
}

/// The body with one member changed.
fn with(member: &str, value: Value) -> Value {
    let mut body = body();
    body[member] = value;
    body
}

#[test]
fn defaults_are_filled_in() {
    let settings = Settings::parse(&body(), Vec::new()).unwrap();
    let shown = serde_json::to_value(&settings).unwrap();
    assert_eq!(
        shown["networkConfiguration"],
        json!({"networkMode": "PUBLIC"})
    );
    assert_eq!(
        shown["lifecycleConfiguration"],
        json!({"idleRuntimeSessionTimeout": 900, "maxLifetime": 28800})
    );
    assert_eq!(
        shown["metadataConfiguration"],
        json!({"requireMMDSV2": true})
    );
    assert_eq!(shown.get("description"), None);
    assert_eq!(serde_json::from_value::<Settings>(shown).unwrap(), settings);

    let short = Settings::parse(
        &with("lifecycleConfiguration", json!({"maxLifetime": 120})),
        Vec::new(),
    )
    .unwrap();
    assert_eq!(
        (short.idle_timeout(), short.max_lifetime()),
        (Duration::from_secs(120), Duration::from_secs(120))
    );
}

#[test]
fn every_broken_rule_is_listed() {
    let cases = [
        (
            with("roleArn", Value::Null),
            "roleArn",
            "Member must not be null",
        ),
        (
            with("roleArn", json!("arn:aws:iam::1:role/x")),
            "roleArn",
            "Member must satisfy regular expression pattern: arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+",
        ),
        (
            with("roleArn", json!("arn:aws:iam::123456789012:user/x")),
            "roleArn",
            "Member must satisfy regular expression pattern: arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+",
        ),
        (
            with("agentRuntimeArtifact", Value::Null),
            "agentRuntimeArtifact",
            "Member must not be null",
        ),
        (
            with("description", json!("")),
            "description",
            "Member must have length between 1 and 4096",
        ),
        (
            with("environmentVariables", json!({"": "x"})),
            "environmentVariables",
            "key ``: Member must have length between 1 and 100",
        ),
        (
            with("environmentVariables", json!({"A": "x".repeat(4096)})),
            "environmentVariables",
            "the variables take 4097 bytes, at most 4096 are allowed",
        ),
        (
            with("networkConfiguration", json!({"networkMode": "LAN"})),
            "networkConfiguration.networkMode",
            "Member must satisfy enum value set: [PUBLIC, VPC]",
        ),
        (
            with("networkConfiguration", json!({"networkMode": "VPC"})),
            "networkConfiguration.networkModeConfig",
            "Member must not be null",
        ),
        (
            with(
                "lifecycleConfiguration",
                json!({"idleRuntimeSessionTimeout": 59}),
            ),
            "lifecycleConfiguration.idleRuntimeSessionTimeout",
            "Member must have value between 60 and 28800",
        ),
        (
            with(
                "lifecycleConfiguration",
                json!({"idleRuntimeSessionTimeout": 200, "maxLifetime": 100}),
            ),
            "lifecycleConfiguration",
            "idleRuntimeSessionTimeout must not be greater than maxLifetime",
        ),
        (
            with(
                "requestHeaderConfiguration",
                json!({"requestHeaderAllowlist": ["X-Amzn-Trace-Id"]}),
            ),
            "requestHeaderConfiguration.requestHeaderAllowlist",
            "header X-Amzn-Trace-Id cannot be forwarded",
        ),
        (
            with("protocolConfiguration", json!({"serverProtocol": "SOAP"})),
            "protocolConfiguration.serverProtocol",
            "Member must satisfy enum value set: [MCP, HTTP, A2A, AGUI]",
        ),
    ];
    for (body, name, message) in cases {
        let error = Settings::parse(&body, Vec::new()).unwrap_err();
        assert_eq!(error.code, "ValidationException");
        assert_eq!(error.members["reason"], "FieldValidationFailed");
        assert_eq!(
            error.members["fieldList"],
            json!([{"name": name, "message": message}]),
            "{body}"
        );
    }
    let too_many: BTreeMap<_, _> = (0..51)
        .map(|number| (format!("K{number}"), String::new()))
        .collect();
    let error =
        Settings::parse(&with("environmentVariables", json!(too_many)), Vec::new()).unwrap_err();
    assert!(
        error.message.contains("less than or equal to 50"),
        "{error}"
    );
}

#[test]
fn the_limits_themselves_are_allowed() {
    let key = "K".repeat(96);
    Settings::parse(
        &with("environmentVariables", json!({key: "x".repeat(4000)})),
        Vec::new(),
    )
    .unwrap();
    let vpc = json!({"networkMode": "VPC", "networkModeConfig": {"securityGroups": ["sg-1"], "subnets": ["s-1"]}});
    Settings::parse(&with("networkConfiguration", vpc), Vec::new()).unwrap();
    let custom = json!({"requestHeaderAllowlist": ["X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tenant", "X-Team"]});
    let settings =
        Settings::parse(&with("requestHeaderConfiguration", custom), Vec::new()).unwrap();
    assert_eq!(settings.allowed_headers().len(), 2);
}

#[test]
fn what_is_not_modelled_is_refused_by_name() {
    for (body, what) in [
        (
            with("authorizerConfiguration", json!({})),
            "authorizerConfiguration",
        ),
        (
            with("platformVersion", json!("V2")),
            "platformVersion other than V1",
        ),
        (
            with("protocolConfiguration", json!({"serverProtocol": "MCP"})),
            "a server protocol other than HTTP",
        ),
        (
            with("agentRuntimeArtifact", json!({"codeConfiguration": {}})),
            "agentRuntimeArtifact.codeConfiguration",
        ),
    ] {
        let error = Settings::parse(&body, Vec::new()).unwrap_err();
        assert_eq!(error.status, StatusCode::NOT_IMPLEMENTED);
        assert_eq!(error.message, format!("the emulator does not model {what}"));
    }
}

#[test]
fn names_tokens_and_tags() {
    let count = |check: &dyn Fn(&mut Vec<FieldError>)| {
        let mut errors = Vec::new();
        check(&mut errors);
        errors.len()
    };
    for (name, errors) in [
        (Some("agent_1"), 0),
        (Some("a-b"), 1),
        (Some("1a"), 1),
        (Some(""), 1),
        (None, 1),
        (Some(&*"a".repeat(49)), 1),
    ] {
        assert_eq!(
            count(&|found| check_name("name", name, found)),
            errors,
            "{name:?}"
        );
    }
    let uuid = "0b3c2d10-4f5e-4a6b-8c7d-9e0f1a2b3c4d";
    for (token, errors) in [
        (None, 0),
        (Some(uuid), 0),
        (Some("short"), 1),
        (Some(&*format!("-{uuid}")), 1),
    ] {
        assert_eq!(
            count(&|found| check_client_token(token, found)),
            errors,
            "{token:?}"
        );
    }
    for (key, value, errors) in [("team", "a b", 0), ("", "", 1), ("a", "{", 1), ("ü", "", 1)] {
        let tags = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        assert_eq!(
            count(&|found| check_tags(&tags, found)),
            errors,
            "{key}={value}"
        );
    }
}
