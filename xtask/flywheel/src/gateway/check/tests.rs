//! A gateway with one fault at a time, and the row that must find it.

use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::super::token::tests::{endpoint, http_client_for_tests, jwt};
use super::*;
use crate::e2e::file::tests::committed;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    NoSecret,
    TokenRefused,
    OpaqueToken,
    Open,
    NoChallenge,
    NoMetadata,
    TakesAnyToken,
    TakesChangedToken,
    RefusesOurToken,
    NoMcp,
    ToolMissing,
    OtherSchema,
    FunctionFails,
    SapDown,
    OtherData,
    NotExplained,
    AnyTarget,
}

fn tool(name: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"po_number": {"type": "string"}}, "required": ["po_number"]});
    json!({"name": name, "description": "Reads one order.", "inputSchema": schema})
}

/// What the emulated SAP says about the order, as far as e2e.toml asks.
fn order() -> Value {
    json!({
        "status": "ok",
        "purchase_order": {"po_number": "4500000520", "supplier": "USSU-VSF08", "order_date": "2019-10-21"},
        "summary": {
            "item_count": 7, "total_quantity": [{"unit": "EA", "quantity": "2896"}],
            "total_net_amount": "209236.00", "currency": "USD",
        },
    })
}

struct Gateway {
    fault: Fault,
    uri: String,
    token: String,
}

impl Gateway {
    fn lets_in(&self, request: &Request) -> bool {
        let header = request.headers.get("authorization");
        let given = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        match (given, self.fault) {
            (None, fault) => fault == Fault::Open,
            (Some(_), Fault::RefusesOurToken) => false,
            (Some(_), Fault::TakesAnyToken) => true,
            (Some(given), Fault::TakesChangedToken) => given.split('.').count() == 3,
            (Some(given), _) => given == self.token,
        }
    }

    fn call(&self, params: &Value) -> Result<Value, Value> {
        let name = params["name"].as_str().unwrap();
        if name != "sap___get_complete_po_data" && self.fault != Fault::AnyTarget {
            return Err(json!({"code": -32602, "message": format!("Unknown tool: {name}")}));
        }
        let good = params["arguments"]["po_number"] == "4500000520";
        let answer = match (self.fault, good) {
            (Fault::FunctionFails, _) => {
                let text = "An internal error occurred. Please retry later.";
                return Ok(json!({"content": [{"type": "text", "text": text}], "isError": true}));
            }
            (Fault::SapDown, true) => {
                json!({"status": "error", "kind": "unavailable", "retryable": true, "message": "SAP is away."})
            }
            (Fault::OtherData, true) => {
                let mut order = order();
                order["summary"]["currency"] = "EUR".into();
                order
            }
            (_, true) => order(),
            (Fault::NotExplained, false) => json!({"status": "not_found"}),
            (_, false) => {
                json!({"status": "invalid_argument", "argument": "po_number", "message": "Expected digits."})
            }
        };
        Ok(json!({"content": [{"type": "text", "text": answer.to_string()}], "isError": false}))
    }
}

impl Respond for Gateway {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if !self.lets_in(request) {
            let refused = ResponseTemplate::new(401);
            if self.fault == Fault::NoChallenge {
                return refused.insert_header("www-authenticate", "Bearer");
            }
            let challenge = format!(r#"Bearer resource_metadata="{}/meta", scope="s""#, self.uri);
            return refused.insert_header("www-authenticate", challenge.as_str());
        }
        let Ok(message) = request.body_json::<Value>() else {
            return ResponseTemplate::new(405);
        };
        let Some(id) = message.get("id") else {
            return ResponseTemplate::new(202);
        };
        let result = match message["method"].as_str().unwrap() {
            "initialize" if self.fault == Fault::NoMcp => {
                return ResponseTemplate::new(200).set_body_raw("<html>hello</html>", "text/html");
            }
            "initialize" => Ok(json!({
                "protocolVersion": message["params"]["protocolVersion"],
                "capabilities": {"tools": {}}, "serverInfo": {"name": "a-gateway", "version": "1"},
            })),
            "tools/list" => {
                let mut ours = tool("sap___get_complete_po_data");
                if self.fault == Fault::OtherSchema {
                    ours["inputSchema"]["properties"]["po_number"]["type"] = "integer".into();
                }
                let mut tools = vec![tool("x_amz_bedrock_agentcore_search"), ours];
                if self.fault != Fault::ToolMissing {
                    tools.push(tool("sap___list_purchase_orders"));
                }
                Ok(json!({ "tools": tools }))
            }
            "tools/call" => self.call(&message["params"]),
            other => panic!("unexpected {other}"),
        };
        let mut answer = json!({"jsonrpc": "2.0", "id": id});
        match result {
            Ok(result) => answer["result"] = result,
            Err(error) => answer["error"] = error,
        }
        ResponseTemplate::new(200).set_body_json(answer)
    }
}

async fn rows(fault: Fault) -> Vec<Row> {
    let http = http_client_for_tests();
    let server = MockServer::start().await;
    let token = match fault {
        Fault::OpaqueToken => "opaque".to_owned(),
        _ => jwt(),
    };
    let answer = match fault {
        Fault::TokenRefused => {
            ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_client"}))
        }
        _ => ResponseTemplate::new(200)
            .set_body_json(json!({"access_token": token, "expires_in": 3600})),
    };
    let metadata = json!({"resource": "r", "authorization_servers": ["https://pool"]});
    let metadata = match fault {
        Fault::NoMetadata => ResponseTemplate::new(403),
        _ => ResponseTemplate::new(200).set_body_json(metadata),
    };
    for (place, response) in [("/oauth2/token", answer), ("/meta", metadata)] {
        let mock = Mock::given(path(place)).respond_with(response);
        mock.mount(&server).await;
    }
    let gateway = Gateway {
        fault,
        uri: server.uri(),
        token,
    };
    Mock::given(path("/mcp"))
        .and(method("POST"))
        .respond_with(gateway)
        .mount(&server)
        .await;
    let credentials = match fault {
        Fault::NoSecret => Err(TokenError::NoSecret("the/secret".to_owned())),
        _ => Credentials::parse("the/secret", "hush"),
    };
    let declared = ["get_complete_po_data", "list_purchase_orders"]
        .map(|name| serde_json::from_value(tool(name)).unwrap());
    let subject = Subject {
        endpoint: endpoint(&server),
        credentials,
        declared: declared.to_vec(),
        call: committed().gateway,
    };
    run(subject, &http).await
}

/// The outcomes in order, and the symptom and sight of the first failure.
#[track_caller]
fn told(rows: &[Row]) -> String {
    let letters: String = rows
        .iter()
        .map(|row| match row.outcome {
            Outcome::Pass => '.',
            Outcome::Fail => 'F',
            Outcome::Skipped => 's',
        })
        .collect();
    let failed = rows.iter().find(|row| row.outcome == Outcome::Fail);
    match failed {
        Some(row) => format!("{letters} {:?}: {}", row.symptom.unwrap(), row.seen),
        None => letters,
    }
}

#[tokio::test]
async fn every_fault_is_found_at_its_hop() {
    let check = async |fault: Fault, expected: &str| {
        let rows = rows(fault).await;
        assert_eq!(rows.len(), 10, "{fault:?}");
        assert_eq!(told(&rows), expected, "{fault:?}");
        for row in &rows {
            assert_eq!(
                row.outcome == Outcome::Fail,
                row.next_step.is_some(),
                "{row:?}"
            );
            assert!(!row.seen.is_empty(), "{row:?}");
            assert!(
                !row.seen.contains("eyJ") && !row.seen.contains("hush"),
                "{row:?}"
            );
        }
    };
    check(Fault::None, "..........").await;
    check(
        Fault::NoSecret,
        "F..s.sssss SecretUnreadable: Secrets Manager has no secret `the/secret`",
    )
    .await;
    check(
        Fault::TokenRefused,
        "F..s.sssss TokenRefused: the token endpoint answered 400, error `invalid_client`",
    )
    .await;
    check(Fault::OpaqueToken, "...s......").await;
    check(
        Fault::Open,
        ".F..s..... GatewayOpen: answered 200, expected 401",
    )
    .await;
    check(
        Fault::NoChallenge,
        ".F..s..... ChallengeWithoutMetadata: 401 with WWW-Authenticate: Bearer",
    )
    .await;
    check(
        Fault::TakesAnyToken,
        "..FF...... GatewayOpen: answered 200, expected 401",
    )
    .await;
    check(
        Fault::TakesChangedToken,
        "...F...... GatewayOpen: answered 200, expected 401",
    )
    .await;
    check(
        Fault::ToolMissing,
        "......F... ToolsDiffer: `list_purchase_orders` is not listed",
    )
    .await;
    check(
        Fault::OtherSchema,
        "......F... ToolsDiffer: `get_complete_po_data` has another schema at /properties/po_number/type",
    )
    .await;
    check(
        Fault::FunctionFails,
        ".......FF. ToolFailed: An internal error occurred. Please retry later.",
    )
    .await;
    check(
        Fault::SapDown,
        r#".......F.. SapRefused: {"status":"error","kind":"unavailable","retryable":true,"message":"SAP is away."}"#,
    )
    .await;
    check(
        Fault::OtherData,
        r#".......F.. DataDiffer: /summary/currency is "EUR", expected "USD""#,
    )
    .await;
    check(
        Fault::NotExplained,
        r#"........F. ArgumentNotExplained: expected invalid_argument for po_number, found {"status":"not_found"}"#,
    )
    .await;
}

#[tokio::test]
async fn faults_whose_sight_names_an_address() {
    let check = async |fault: Fault, expected: &str| {
        let told = told(&rows(fault).await);
        assert!(told.starts_with(expected), "{fault:?}: {told}");
    };
    check(
        Fault::NoMetadata,
        "....F..... MetadataUnreadable: http://127.0.0.1",
    )
    .await;
    check(
        Fault::RefusesOurToken,
        ".....Fssss TokenNotAccepted: open an MCP session: the gateway does not accept the token",
    )
    .await;
    check(
        Fault::NoMcp,
        ".....Fssss SessionNotOpened: open an MCP session: ",
    )
    .await;
    check(
        Fault::AnyTarget,
        ".........F OtherTargetAnswered: nobody___get_complete_po_data answered ",
    )
    .await;
}
