use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::TestContext;

mod busy;
mod refusals;
mod services;

const SERVICE: &str = "C_PURCHASEORDER_FS_SRV";

/// The SAP system of one emulator, and a client that logs on to it.
pub(crate) struct Sap {
    test: TestContext,
    http: reqwest::Client,
}

impl Sap {
    pub(crate) async fn start() -> Self {
        Self {
            test: TestContext::start().await,
            http: reqwest::Client::new(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/sap/opu/odata/sap/{path}", self.test.url())
    }

    /// A request for a path below the OData root, with credentials and nothing else.
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let user = &self.test.context().world.sap;
        self.http
            .request(method, self.url(path))
            .basic_auth(&user.username, Some(&user.password))
    }

    /// Asks for JSON and expects success; `path` is below the service.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let (status, body) = self.ask(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    pub(crate) async fn ask(&self, path: &str) -> (StatusCode, Value) {
        self.ask_service(SERVICE, path).await
    }

    /// Asks one of the services for JSON.
    async fn ask_service(&self, service: &str, path: &str) -> (StatusCode, Value) {
        let path = format!("{service}/{path}");
        let response = self
            .request(Method::GET, &path)
            .header(header::ACCEPT, "application/json")
            .send()
            .await
            .unwrap();
        let status = response.status();
        assert_eq!(
            response.headers()["content-type"],
            "application/json;charset=utf-8",
            "{path}"
        );
        assert_eq!(response.headers()["dataserviceversion"], "2.0", "{path}");
        (status, response.json().await.unwrap())
    }

    /// Asks one of the services for JSON and expects success.
    async fn json_of(&self, service: &str, path: &str) -> Value {
        let (status, body) = self.ask_service(service, path).await;
        assert_eq!(status, StatusCode::OK, "{service}/{path}: {body}");
        body
    }

    async fn text(&self, path: &str) -> String {
        self.text_of(SERVICE, path).await
    }

    async fn text_of(&self, service: &str, path: &str) -> String {
        let response = self
            .request(Method::GET, &format!("{service}/{path}"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{service}/{path}");
        response.text().await.unwrap()
    }
}

/// Rows of a collection answer.
pub(crate) fn results(answer: &Value) -> &Vec<Value> {
    answer["d"]["results"].as_array().unwrap()
}

#[tokio::test]
async fn the_service_document_names_the_sets() {
    let sap = Sap::start().await;
    let expected = json!({"d": {"EntitySets": ["I_PurchaseOrder", "I_PurchaseOrderItem", "C_PurchaseOrderFs", "C_PurOrdItemEnh",
        "I_PurchaseOrderScheduleLine", "C_PurchaseOrderGoodsReceipt"]}});
    assert_eq!(sap.json("").await, expected);
    assert_eq!(sap.json("?$format=json").await, expected);
}

#[tokio::test]
async fn metadata_is_edmx_without_asking_for_xml() {
    let sap = Sap::start().await;
    let edmx = sap.text("$metadata").await;
    for part in [
        "<edmx:DataServices m:DataServiceVersion=\"2.0\">",
        "<Schema Namespace=\"C_PURCHASEORDER_FS_SRV\"",
        "<EntityContainer Name=\"C_PURCHASEORDER_FS_SRV_Entities\"",
        "<EntityType Name=\"I_PurchaseOrderType\" sap:label=\"Purchase Order\" sap:content-version=\"1\"><Key><PropertyRef Name=\"PurchaseOrder\"/></Key>",
        "<Property Name=\"PurchaseOrderDate\" Type=\"Edm.DateTime\" Precision=\"0\" sap:display-format=\"Date\"",
        "<Property Name=\"PurchaseOrderNetAmount\" Type=\"Edm.Decimal\" Precision=\"24\" Scale=\"3\" sap:unit=\"DocumentCurrency\"",
        "<NavigationProperty Name=\"to_PurchaseOrderItem\" Relationship=\"C_PURCHASEORDER_FS_SRV.C_PurchaseOrderFs_to_PurchaseOrderItem\"",
    ] {
        assert!(edmx.contains(part), "{part} is missing in {edmx}");
    }
    // As many elements end as begin: no other XML reader is at hand.
    for element in [
        "EntityType",
        "Association",
        "AssociationSet",
        "EntityContainer",
        "Schema",
        "edmx:Edmx",
    ] {
        let begin = edmx.matches(&format!("<{element} ")).count();
        assert_eq!(
            begin,
            edmx.matches(&format!("</{element}>")).count(),
            "{element}"
        );
        assert!(begin > 0, "{element}");
    }
}

#[tokio::test]
async fn an_entity_by_its_key() {
    let sap = Sap::start().await;
    let answer = sap.json("I_PurchaseOrder('4500000520')").await;
    let base = sap.url(SERVICE);
    assert_eq!(
        answer["d"]["__metadata"],
        json!({
            "id": format!("{base}/I_PurchaseOrder('4500000520')"),
            "uri": format!("{base}/I_PurchaseOrder('4500000520')"),
            "type": "C_PURCHASEORDER_FS_SRV.I_PurchaseOrderType",
        })
    );
    insta::assert_json_snapshot!(answer["d"], {".__metadata" => "[metadata]"}, @r#"
    {
      "__metadata": "[metadata]",
      "PurchaseOrder": "4500000520",
      "PurchaseOrderType": "NB",
      "CreatedByUser": "BUYER01",
      "CreationDate": "/Date(1571616000000)/",
      "PurchaseOrderDate": "/Date(1571616000000)/",
      "Language": "EN",
      "PurchasingDocumentDeletionCode": "",
      "ReleaseIsNotCompleted": false,
      "PurchasingCompletenessStatus": false,
      "CompanyCode": "1710",
      "PurchasingOrganization": "1710",
      "PurchasingGroup": "001",
      "Supplier": "USSU-VSF08",
      "SupplyingPlant": "",
      "PaymentTerms": "NT30",
      "CashDiscount1Days": "0",
      "NetPaymentDays": "30",
      "CashDiscount1Percent": "0.000",
      "IncotermsClassification": "EXW",
      "DocumentCurrency": "USD",
      "LastChangeDateTime": "/Date(1571645646000+0000)/"
    }
    "#);
    // Escaped quotes and named keys mean the same.
    for path in [
        "I_PurchaseOrder(%274500000520%27)",
        "I_PurchaseOrder(PurchaseOrder='4500000520')",
    ] {
        assert_eq!(sap.json(path).await, answer, "{path}");
    }
    let property = "I_PurchaseOrder('4500000520')/Supplier";
    assert_eq!(
        sap.json(property).await,
        json!({"d": {"Supplier": "USSU-VSF08"}})
    );
    assert_eq!(sap.text(&format!("{property}/$value")).await, "USSU-VSF08");
}

#[tokio::test]
async fn an_item_by_its_composite_key() {
    let sap = Sap::start().await;
    let answer = sap
        .json("I_PurchaseOrderItem(PurchaseOrder='4500000520',PurchaseOrderItem='00040')")
        .await;
    let item = &answer["d"];
    assert_eq!(
        item["__metadata"]["uri"],
        format!(
            "{}/I_PurchaseOrderItem(PurchaseOrder='4500000520',PurchaseOrderItem='00040')",
            sap.url(SERVICE)
        )
    );
    for (property, expected) in [
        ("Material", json!("MZ-RM-C990-04")),
        ("PurchaseOrderItemText", json!("BKC-990 Wheels")),
        ("OrderQuantity", json!("724.000")),
        ("PurchaseOrderQuantityUnit", json!("EA")),
        ("NetPriceAmount", json!("14.450")),
        ("NetPriceQuantity", json!("1")),
        ("NetAmount", json!("10461.800")),
        ("DocumentCurrency", json!("USD")),
        ("Plant", json!("1710")),
        ("IsCompletelyDelivered", json!(true)),
        ("IsFinallyInvoiced", json!(true)),
        ("IsReturnsItem", json!(false)),
        ("PurchasingDocumentDeletionCode", json!("")),
    ] {
        assert_eq!(item[property], expected, "{property}");
    }
    for absent in ["Supplier", "PurchaseOrderDate", "MaterialDescription"] {
        assert!(item.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn the_fact_sheet_adds_names_and_the_total() {
    let sap = Sap::start().await;
    let answer = sap
        .json("C_PurchaseOrderFs('4500000520')?$format=json")
        .await;
    let order = &answer["d"];
    assert_eq!(order["SupplierName"], "Summit Bike Components Inc.");
    assert_eq!(order["CompanyCodeName"], "Flywheel Cycles US Inc.");
    assert_eq!(order["PurchaseOrderNetAmount"], "209236.000");
    assert_eq!(order["PaymentTerms_Text"], "30 days net");
    assert_eq!(order["PurchasingDocumentStatusName"], "Follow-On Documents");
    let items = format!(
        "{}/C_PurchaseOrderFs('4500000520')/to_PurchaseOrderItem",
        sap.url(SERVICE)
    );
    assert_eq!(
        order["to_PurchaseOrderItem"],
        json!({"__deferred": {"uri": items}})
    );
}

#[tokio::test]
async fn navigation_and_expansion_show_the_same_items() {
    let sap = Sap::start().await;
    let expanded = sap
        .json("C_PurchaseOrderFs('4500000520')?$expand=to_PurchaseOrderItem")
        .await;
    let navigated = sap
        .json("C_PurchaseOrderFs('4500000520')/to_PurchaseOrderItem")
        .await;
    assert_eq!(
        expanded["d"]["to_PurchaseOrderItem"]["results"],
        navigated["d"]["results"]
    );
    assert_eq!(results(&navigated).len(), 7);
    assert_eq!(
        sap.text("C_PurchaseOrderFs('4500000520')/to_PurchaseOrderItem/$count")
            .await,
        "7"
    );

    let narrow = sap
        .json("C_PurchaseOrderFs?$filter=PurchaseOrder eq '4500000520'&$expand=to_PurchaseOrderItem&$select=Supplier,to_PurchaseOrderItem/Material")
        .await;
    let order = results(&narrow)[0].as_object().unwrap();
    assert_eq!(
        order.keys().collect::<Vec<_>>(),
        ["__metadata", "Supplier", "to_PurchaseOrderItem"]
    );
    let item = order["to_PurchaseOrderItem"]["results"][0]
        .as_object()
        .unwrap();
    assert_eq!(item.keys().collect::<Vec<_>>(), ["__metadata", "Material"]);
}

#[tokio::test]
async fn filters_selections_and_orders() {
    let sap = Sap::start().await;
    let answer = sap
        .json(
            "C_PurchaseOrderFs?$filter=substringof('O''Connor',SupplierName) and PurchaseOrderDate ge datetime'2020-01-01T00:00:00'\
             &$select=PurchaseOrder,SupplierName&$orderby=PurchaseOrder desc&$top=1&$inlinecount=allpages",
        )
        .await;
    let rows = results(&answer);
    assert_eq!(answer["d"]["__count"], "2");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["PurchaseOrder"], "4500001402");
    assert_eq!(rows[0]["SupplierName"], "O'Connor & Sons Cycle Parts");
    assert_eq!(rows[0].as_object().unwrap().len(), 3);

    assert_eq!(sap.text("I_PurchaseOrder/$count").await, "2100");
    assert_eq!(
        sap.text("I_PurchaseOrderItem/$count?$filter=PurchaseOrder eq '4500000520'")
            .await,
        "7"
    );
    assert_eq!(results(&sap.json("I_PurchaseOrder?$top=0").await).len(), 0);
    assert_eq!(
        results(
            &sap.json("I_PurchaseOrder?$filter=Supplier eq 'nobody'")
                .await
        )
        .len(),
        0
    );
}

#[tokio::test]
async fn next_links_lead_through_a_whole_set() {
    let sap = Sap::start().await;
    let filter = "$filter=CompanyCode eq '1710'&$select=PurchaseOrder";
    let expected: usize = sap
        .text(&format!("I_PurchaseOrder/$count?{filter}"))
        .await
        .parse()
        .unwrap();
    let mut answer = sap
        .json(&format!(
            "I_PurchaseOrder?{filter}&$inlinecount=allpages&sap-client=100"
        ))
        .await;
    assert_eq!(answer["d"]["__count"], expected.to_string());
    let mut numbers: Vec<String> = Vec::new();
    for page in 0.. {
        assert!(page < 5, "the pages do not end");
        numbers.extend(
            results(&answer)
                .iter()
                .map(|row| row["PurchaseOrder"].as_str().unwrap().to_owned()),
        );
        let Some(next) = answer["d"]["__next"].as_str() else {
            break;
        };
        assert_eq!(results(&answer).len(), 1_000);
        let path = next
            .strip_prefix(&sap.url(&format!("{SERVICE}/")))
            .expect("the link stays inside the service");
        assert!(
            path.contains("$skiptoken=") && path.contains("sap-client=100"),
            "{path}"
        );
        answer = sap.json(path).await;
    }
    assert_eq!(numbers.len(), expected);
    assert!(numbers.is_sorted_by(|a, b| a < b), "each order once");
}

#[tokio::test]
async fn odd_rows_come_over_the_wire_unharmed() {
    let sap = Sap::start().await;
    let line = async |order: &str, item: &str| {
        sap.json(&format!(
            "I_PurchaseOrderItem(PurchaseOrder='{order}',PurchaseOrderItem='{item}')"
        ))
        .await["d"]
            .take()
    };
    let bolts = line("4500000007", "00010").await;
    assert_eq!(
        [
            &bolts["NetPriceAmount"],
            &bolts["NetPriceQuantity"],
            &bolts["NetAmount"]
        ],
        ["4.200", "100", "1050.000"]
    );
    let yen = line("4500000033", "00010").await;
    assert_eq!(
        [&yen["NetPriceAmount"], &yen["DocumentCurrency"]],
        ["17340.000", "JPY"]
    );
    let helmet = line("4500000081", "00030").await;
    assert_eq!(helmet["PurchaseOrderItemText"], "קסדה 58 ס\"מ");
    let service = line("4500000077", "00010").await;
    assert_eq!(
        [
            &service["Material"],
            &service["PurchaseOrderQuantityUnit"],
            &service["ProductType"]
        ],
        ["", "AU", "2"]
    );
    assert_eq!(
        line("4500000058", "00020").await["PurchasingDocumentDeletionCode"],
        "L"
    );
    assert_eq!(line("4500000063", "00020").await["IsReturnsItem"], true);
    assert_eq!(
        line("4500000451", "00010").await["PurchaseOrderItemText"],
        "Reflector <3\" & 'Bell' set>"
    );
    let total = async |order: &str| {
        sap.json(&format!("C_PurchaseOrderFs('{order}')")).await["d"]["PurchaseOrderNetAmount"]
            .take()
    };
    assert_eq!(
        total("4500000301").await,
        "0.000",
        "deleted lines do not count"
    );
    assert_eq!(total("4500000140").await, "185.625");
}

#[tokio::test]
async fn requests_are_filed_under_the_resource() {
    let sap = Sap::start().await;
    sap.json("I_PurchaseOrder('4500000520')").await;
    sap.text("I_PurchaseOrderItem/$count").await;
    let seen = sap
        .test
        .context()
        .requests
        .select(0, |entry| entry.service == "sap");
    let operations: Vec<_> = seen
        .iter()
        .map(|entry| entry.operation.as_deref().unwrap_or("none"))
        .collect();
    assert_eq!(
        operations,
        ["I_PurchaseOrder(key)", "I_PurchaseOrderItem/$count"]
    );
}
