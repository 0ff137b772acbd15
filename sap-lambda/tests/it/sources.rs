//! The three sources at the wire: what they ask, and what they make of the answers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rust_decimal::Decimal;
use sap_lambda::{
    config::Config,
    deadline::Deadline,
    error::SapError,
    invocation::Invocation,
    odata::client::{SapClient, Service},
    source::{
        Line, LineFilter, LineKey, OrderFilter, PurchaseOrders, ReceiptFilter, Sort, Stock,
        StockFilter, fact_sheet::FactSheet, process_api::ProcessApi, stock::MaterialStock,
    },
};
use serde_json::{Value, json};
use time::macros::date;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

use crate::support::{PASSWORD, config, hit, key, parameter, rows, sap_client, secret};

mod fact_sheet;

mod process_api;

mod stock;

mod budget;

const FACT_SHEET: &str = "C_PURCHASEORDER_FS_SRV";
const PROCESS: &str = "API_PURCHASEORDER_PROCESS_SRV";
const DOCUMENTS: &str = "API_MATERIAL_DOCUMENT_SRV";
const STOCK: &str = "API_MATERIAL_STOCK_SRV";

/// SAP behind one base URL, answering by a function of the request.
struct Sap {
    server: MockServer,
    client: Arc<SapClient>,
}

impl Sap {
    async fn new() -> Self {
        let server = MockServer::start().await;
        let config: Config = config(&server.uri());
        let by_target = matchers::header("x-amz-target", "secretsmanager.GetSecretValue");
        Mock::given(by_target)
            .respond_with(secret(PASSWORD))
            .mount(&server)
            .await;
        Self {
            client: sap_client(&config),
            server,
        }
    }

    async fn answers(
        &self,
        service: &str,
        set: &str,
        answer: impl Fn(&Request) -> ResponseTemplate + Send + Sync + 'static,
    ) {
        Mock::given(matchers::path(format!(
            "/sap/opu/odata/sap/{service}/{set}"
        )))
        .respond_with(answer)
        .mount(&self.server)
        .await;
    }

    /// The rows in `body` as they are, whatever is asked.
    async fn holds(&self, service: &str, set: &str, body: Value) {
        self.answers(service, set, move |_| {
            ResponseTemplate::new(200).set_body_json(&body)
        })
        .await;
    }

    fn service(&self, name: &str) -> Service {
        Service::new(Arc::clone(&self.client), name)
    }

    fn fact_sheet(&self) -> FactSheet {
        FactSheet::new(self.service(FACT_SHEET))
    }

    fn process_api(&self) -> ProcessApi {
        ProcessApi::new(self.service(PROCESS), self.service(DOCUMENTS))
    }

    async fn requests(&self) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        let is_sap = |request: &Request| request.url.path().starts_with("/sap/");
        all.into_iter().filter(is_sap).collect()
    }

    /// Path below the base URL and query options of every request, sorted: some run side by side.
    async fn asked(&self) -> Vec<String> {
        let requests = self.requests().await;
        let mut asked: Vec<String> = requests
            .iter()
            .map(|request| {
                let path = request.url.path().replace("/sap/opu/odata/sap/", "");
                let common = ["sap-client", "sap-language", "$format", "$inlinecount"];
                let options = request.url.query_pairs();
                let options = options.filter(|(name, _)| !common.contains(&name.as_ref()));
                let options: Vec<String> = options
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{path}\n  {}", options.join("\n  "))
            })
            .collect();
        asked.sort();
        asked
    }
}

fn invocation() -> Invocation {
    Invocation::new("call-1", Deadline::after(Duration::from_secs(20)))
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn line(order: u64, item: &str, unit: &str) -> Line {
    Line {
        key: LineKey {
            order: order.to_string(),
            item: item.to_owned(),
        },
        material: None,
        text: None,
        plant: None,
        quantity: Decimal::TEN,
        unit: unit.to_owned(),
        price: Decimal::ONE,
        price_unit: Decimal::ONE,
        net_amount: Decimal::TEN,
        currency: "USD".to_owned(),
        delivered: false,
        invoiced: false,
        goods_receipt_expected: true,
        invoice_expected: true,
        returns: false,
        deleted: false,
    }
}

fn schedule_line(order: u64, item: &str, day: i64, [ordered, received, open]: [&str; 3]) -> Value {
    json!({
        "PurchaseOrder": order.to_string(), "PurchaseOrderItem": item, "ScheduleLine": "0001",
        "ScheduleLineDeliveryDate": format!("/Date({})/", day * 86_400_000),
        "ScheduleLineOrderQuantity": ordered, "RoughGoodsReceiptQty": received,
        "OpenPurchaseOrderQuantity": open, "OpenPurchaseOrderNetAmount": format!("{open}0"),
        "PurchaseOrderQuantityUnit": "EA", "DocumentCurrency": "USD",
    })
}
