//! A handler between two stubs on one port.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use lambda_runtime::{Context, LambdaEvent};
use sap_lambda::{
    config::Config,
    credentials::CredentialCache,
    deadline::Deadline,
    error::HandlerError,
    handler::{Handler, TOOL_NAME_KEY},
    odata::client::SapClient,
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

pub(crate) const HEADERS: &str = "C_PurchaseOrderFs";
pub(crate) const ITEMS: &str = "I_PurchaseOrderItem";
pub(crate) const PASSWORD: &str = "correct horse";

/// Stubs, and the handler that talks to them.
pub(crate) struct TestContext {
    pub(crate) server: MockServer,
    handler: Handler,
}

impl TestContext {
    /// Secrets Manager gives the user `DEMO` with [`PASSWORD`]; SAP has no answers yet.
    pub(crate) async fn new() -> Self {
        let context = Self::without_secret().await;
        context.mount_secret(vec![secret(PASSWORD)]).await;
        context
    }

    pub(crate) async fn without_secret() -> Self {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let server = MockServer::start().await;
        let config = Config::from_lookup(|name| match name {
            "SAP_BASE_URL" => Some(format!("{}/sap/opu/odata/sap", server.uri())),
            "SAP_SECRET_ID" => Some("flywheel/sap".to_owned()),
            "SAP_CLIENT" => Some("100".to_owned()),
            "GATEWAY_TARGET" => Some("sap".to_owned()),
            _ => None,
        })
        .unwrap();
        let secrets = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(server.uri())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let secrets = aws_sdk_secretsmanager::Client::from_conf(secrets);
        let credentials = CredentialCache::new(secrets, config.secret_id.clone());
        let handler = Handler::new(
            SapClient::new(&config, credentials).unwrap(),
            config.gateway_target,
        );
        Self { server, handler }
    }

    /// Answers of Secrets Manager, the last one for ever.
    pub(crate) async fn mount_secret(&self, answers: Vec<ResponseTemplate>) {
        Mock::given(matchers::header(
            "x-amz-target",
            "secretsmanager.GetSecretValue",
        ))
        .respond_with(Script::new(answers))
        .mount(&self.server)
        .await;
    }

    /// Answers of one SAP entity set, the last one for ever.
    pub(crate) async fn mount_set(&self, set: &str, answers: Vec<ResponseTemplate>) {
        Mock::given(matchers::path(service_path(set)))
            .respond_with(Script::new(answers))
            .mount(&self.server)
            .await;
    }

    /// SAP answers each set with the fixture of that name.
    pub(crate) async fn with_fixtures(header: &str, items: &str) -> Self {
        let context = Self::new().await;
        context.mount_set(HEADERS, vec![fixture(header)]).await;
        context.mount_set(ITEMS, vec![fixture(items)]).await;
        context
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.try_call(tool, arguments).await.unwrap()
    }

    pub(crate) async fn try_call(
        &self,
        tool: &str,
        arguments: Value,
    ) -> Result<Value, HandlerError> {
        self.call_named(&format!("sap___{tool}"), arguments, Duration::from_secs(20))
            .await
    }

    pub(crate) async fn call_named(
        &self,
        name: &str,
        event: Value,
        time: Duration,
    ) -> Result<Value, HandlerError> {
        let mut context = Context::default();
        context.client_context =
            serde_json::from_value(json!({"custom": {TOOL_NAME_KEY: name}})).unwrap();
        self.handler
            .handle(LambdaEvent::new(event, context), Deadline::after(time))
            .await
    }

    pub(crate) async fn call_without_context(&self) -> Result<Value, HandlerError> {
        let event = LambdaEvent::new(
            json!({TOOL_NAME_KEY: "sap___get_complete_po_data"}),
            Context::default(),
        );
        self.handler
            .handle(event, Deadline::after(Duration::from_secs(20)))
            .await
    }

    /// Requests to a SAP entity set so far.
    pub(crate) async fn sap_requests(&self, set: &str) -> Vec<Request> {
        let path = service_path(set);
        let all = self.server.received_requests().await.unwrap();
        all.into_iter()
            .filter(|request| request.url.path() == path)
            .collect()
    }

    /// `$filter` of the requests to an entity set.
    pub(crate) async fn filters(&self, set: &str) -> Vec<String> {
        self.sap_requests(set)
            .await
            .iter()
            .map(|request| parameter(request, "$filter").unwrap())
            .collect()
    }

    pub(crate) async fn secret_reads(&self) -> usize {
        let all = self.server.received_requests().await.unwrap();
        all.iter()
            .filter(|request| request.headers.contains_key("x-amz-target"))
            .count()
    }
}

/// Gives its answers in order.
struct Script {
    answers: Mutex<Vec<ResponseTemplate>>,
    next: AtomicUsize,
}

impl Script {
    fn new(answers: Vec<ResponseTemplate>) -> Self {
        Self {
            answers: Mutex::new(answers),
            next: AtomicUsize::new(0),
        }
    }
}

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let answers = self.answers.lock().unwrap();
        let index = self
            .next
            .fetch_add(1, Ordering::Relaxed)
            .min(answers.len() - 1);
        answers[index].clone()
    }
}

pub(crate) fn service_path(set: &str) -> String {
    format!("/sap/opu/odata/sap/C_PURCHASEORDER_FS_SRV/{set}")
}

pub(crate) fn parameter(request: &Request, name: &str) -> Option<String> {
    request
        .url
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub(crate) fn secret(password: &str) -> ResponseTemplate {
    let value = json!({"username": "DEMO", "password": password}).to_string();
    ResponseTemplate::new(200).set_body_json(json!({"Name": "flywheel/sap", "SecretString": value}))
}

pub(crate) fn fixture(name: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(fixture_text(name), "application/json")
}

pub(crate) fn fixture_text(name: &str) -> String {
    let path = format!("{}/fixtures/odata/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// A collection of these rows; `total` counts all pages.
pub(crate) fn rows(rows: &[Value], total: usize) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({"d": {"results": rows, "__count": total.to_string()}}))
}

pub(crate) fn hit(number: u64) -> Value {
    json!({
        "PurchaseOrder": number.to_string(), "Supplier": "USSU-VSF04", "SupplierName": "EV Parts Inc.",
        "PurchaseOrderDate": "/Date(1754006400000)/", "DocumentCurrency": "USD", "PurchaseOrderNetAmount": "1234.500",
    })
}

pub(crate) fn key(number: u64) -> Value {
    json!({"PurchaseOrder": number.to_string()})
}
