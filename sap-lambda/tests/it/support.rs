//! A handler between two stubs on one port.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sap_lambda::{
    config::{Config, PurchaseOrderService},
    credentials::{CredentialCache, SecretsManager},
    deadline::Deadline,
    error::Failure,
    handler::{Gateway, Handler, TOOL_NAME_KEY},
    invocation::Invocation,
    log::{Level, Log},
    odata::client::{SapClient, Service, Settings},
    runtime::Event,
    source::{
        PurchaseOrders, fact_sheet::FactSheet, process_api::ProcessApi, stock::MaterialStock,
    },
    tls,
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
    log: Lines,
}

impl TestContext {
    /// Secrets Manager gives the user `DEMO` with [`PASSWORD`]; SAP has no answers yet.
    pub(crate) async fn new() -> Self {
        let context = Self::without_secret().await;
        context.mount_secret(vec![secret(PASSWORD)]).await;
        context
    }

    pub(crate) async fn without_secret() -> Self {
        Self::configured(|_| {}).await
    }

    /// As [`Self::new`]; only this gateway may call.
    pub(crate) async fn with_gateway_id(id: &str) -> Self {
        let context = Self::configured(|config| config.gateway_id = Some(id.to_owned())).await;
        context.mount_secret(vec![secret(PASSWORD)]).await;
        context
    }

    async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let server = MockServer::start().await;
        let mut config = config(&server.uri());
        change(&mut config);
        let sap = sap_client(&config);
        let service = |name: &str| Service::new(Arc::clone(&sap), name);
        let purchase_orders = service(config.purchase_orders.name());
        let orders: Box<dyn PurchaseOrders> = match config.purchase_orders {
            PurchaseOrderService::FactSheet => Box::new(FactSheet::new(purchase_orders)),
            PurchaseOrderService::ProcessApi => Box::new(ProcessApi::new(
                purchase_orders,
                service(&config.document_service),
            )),
        };
        let stock = Box::new(MaterialStock::new(service(&config.stock_service)));
        let gateway = Gateway {
            target: config.gateway_target,
            id: config.gateway_id,
        };
        let lines = Lines::default();
        let log = Arc::new(Log::new(Level::Info, lines.clone()));
        let handler = Handler::new(orders, stock, gateway, log);
        Self {
            server,
            handler,
            log: lines,
        }
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

    pub(crate) async fn try_call(&self, tool: &str, arguments: Value) -> Result<Value, Failure> {
        self.call_named(&format!("sap___{tool}"), arguments, Duration::from_secs(20))
            .await
    }

    pub(crate) async fn call_named(
        &self,
        name: &str,
        event: Value,
        time: Duration,
    ) -> Result<Value, Failure> {
        let context = json!({"custom": {TOOL_NAME_KEY: name}}).to_string();
        let event = Event::Bytes(event.to_string().into_bytes());
        self.call_raw(&event, Some(context.as_bytes()), time).await
    }

    /// With the event and the client context as they come.
    pub(crate) async fn call_raw(
        &self,
        event: &Event,
        client_context: Option<&[u8]>,
        time: Duration,
    ) -> Result<Value, Failure> {
        let invocation = Invocation::new("call-1", Deadline::after(time));
        self.handler
            .handle(event, client_context, &invocation)
            .await
    }

    /// What was logged so far.
    pub(crate) fn log_lines(&self) -> Vec<Value> {
        self.log.read()
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

/// A client of the stubs that this environment names.
pub(crate) fn sap_client(config: &Config) -> Arc<SapClient> {
    let roots = tls::client_config(None).unwrap();
    let secrets = SecretsManager::new(config.secret.clone(), roots.clone()).unwrap();
    let settings = Settings {
        base_url: config.base_url.clone(),
        client: config.client.clone(),
        language: config.language.clone(),
    };
    let http = tls::http_client(roots).unwrap();
    Arc::new(SapClient::with_http(
        http,
        settings,
        CredentialCache::new(secrets),
    ))
}

/// A log that can be read.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn read(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let lines = std::str::from_utf8(&bytes).unwrap().lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// As the function's environment is when all its neighbours are stubs at `url`.
pub(crate) fn config(url: &str) -> Config {
    let environment = environment(url);
    Config::from_lookup(|name| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    })
    .unwrap()
}

/// The same as variables of a process.
pub(crate) fn environment(url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("SAP_BASE_URL", format!("{url}/sap/opu/odata/sap")),
        ("SAP_SECRET_ID", "flywheel/sap".to_owned()),
        ("SAP_CLIENT", "100".to_owned()),
        ("GATEWAY_TARGET", "sap".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url.to_owned()),
    ]
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

/// A header of the fact sheet.
pub(crate) fn hit(number: u64) -> Value {
    json!({
        "PurchaseOrder": number.to_string(), "Supplier": "USSU-VSF04", "SupplierName": "EV Parts Inc.",
        "CompanyCode": "1710", "PurchasingOrganization": "1710", "PurchasingGroup": "001",
        "PurchaseOrderType": "NB", "DocumentCurrency": "USD", "PurchaseOrderDate": "/Date(1754006400000)/",
        "CreationDate": "/Date(1754006400000)/", "PaymentTerms": "0001", "PurchaseOrderNetAmount": "1234.500",
        "PurchasingDocumentDeletionCode": "", "PurchasingCompletenessStatus": false,
    })
}

/// An item of the fact sheet, the first of its order.
pub(crate) fn key(number: u64) -> Value {
    json!({
        "PurchaseOrder": number.to_string(), "PurchaseOrderItem": "00010", "Material": "MZ-RM-C990-01",
        "PurchaseOrderItemText": "BKC-990 Frame", "Plant": "1710", "OrderQuantity": "10.000",
        "PurchaseOrderQuantityUnit": "EA", "NetPriceAmount": "123.450", "NetPriceQuantity": "1",
        "NetAmount": "1234.500", "DocumentCurrency": "USD", "IsCompletelyDelivered": false,
        "IsFinallyInvoiced": false, "GoodsReceiptIsExpected": true, "InvoiceIsExpected": true,
        "IsReturnsItem": false, "PurchasingDocumentDeletionCode": "",
    })
}
