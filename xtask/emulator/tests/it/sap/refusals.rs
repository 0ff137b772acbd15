//! Who and what is turned away, and how.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::{SERVICE, Sap};

#[tokio::test]
async fn a_client_must_log_on() {
    let sap = Sap::start().await;
    let url = sap.url(&format!("{SERVICE}/I_PurchaseOrder"));
    let right = sap.test.context().world.sap.password.clone();
    let asked = sap.http.get(&url);
    for (what, request) in [
        ("nothing", asked.try_clone().unwrap()),
        (
            "wrong password",
            asked.try_clone().unwrap().basic_auth("DEMO", Some("wrong")),
        ),
        (
            "wrong user",
            asked.try_clone().unwrap().basic_auth("OTHER", Some(&right)),
        ),
        ("bearer", asked.try_clone().unwrap().bearer_auth(&right)),
        (
            "wrong client",
            asked
                .try_clone()
                .unwrap()
                .basic_auth("DEMO", Some(&right))
                .query(&[("sap-client", "200")]),
        ),
        (
            "wrong client in a header",
            asked
                .try_clone()
                .unwrap()
                .basic_auth("DEMO", Some(&right))
                .header("sap-client", "200"),
        ),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
        let challenge = response.headers()[header::WWW_AUTHENTICATE]
            .to_str()
            .unwrap();
        assert!(challenge.starts_with("Basic realm="), "{what}: {challenge}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/html;charset=utf-8",
            "{what}"
        );
        assert!(
            response.text().await.unwrap().starts_with("<html>"),
            "{what}"
        );
    }
    let welcome = sap
        .request(Method::GET, &format!("{SERVICE}/I_PurchaseOrder/$count"))
        .query(&[("sap-client", "100")]);
    assert_eq!(welcome.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn refusals_have_the_shape_of_the_gateway() {
    let mut sap = Sap::start().await;
    sap.test.expect_unknown_operations();
    for (path, status, code, message) in [
        (
            "Nothing",
            404,
            "005056A509B11EE1B9A8FEC11C21578E",
            "Resource not found for segment 'Nothing'",
        ),
        (
            "I_PurchaseOrder('4500000013')",
            404,
            "/IWBEP/CM_MGW_RT/020",
            "Resource not found for segment 'I_PurchaseOrderType'",
        ),
        (
            "I_PurchaseOrder?$select=Colour",
            400,
            "005056A509B11EE1B9A8FEC11C21578E",
            "Property Colour not found in type I_PurchaseOrderType",
        ),
        (
            "I_PurchaseOrder?$filter=Colour eq 1",
            400,
            "005056A509B11EE1B9A8FEC11C21578E",
            "Property Colour not found in type I_PurchaseOrderType",
        ),
        (
            "I_PurchaseOrderScheduleLine?$filter=OpenPurchaseOrderQuantity gt 0",
            400,
            "005056A509B11EE1B9A8FEC11C21578E",
            "Property OpenPurchaseOrderQuantity of type I_PurchaseOrderScheduleLineType is not filterable",
        ),
        (
            "I_PurchaseOrder?$filter=isof(NetPaymentDays) eq 1",
            501,
            "NotImplemented",
            "the SAP emulator does not implement function isof in $filter",
        ),
        (
            "I_PurchaseOrder?$format=xml",
            501,
            "NotImplemented",
            "the SAP emulator does not implement the Atom form of I_PurchaseOrder: ask with $format=json or Accept: application/json",
        ),
    ] {
        let request = sap
            .request(Method::GET, &format!("{SERVICE}/{path}"))
            .header(header::ACCEPT, "application/json");
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        if response.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .contains("xml")
        {
            let body = response.text().await.unwrap();
            assert!(
                body.contains(&format!("<code>{code}</code>"))
                    && body.contains(message)
                    && body.contains(
                        "<innererror><application><component_id>MM-PUR-PO</component_id>"
                    ),
                "{path}: {body}"
            );
            continue;
        }
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], code, "{path}");
        assert_eq!(
            body["error"]["message"],
            json!({"lang": "en", "value": message}),
            "{path}"
        );
        assert_eq!(
            body["error"]["innererror"]["application"]["service_id"], SERVICE,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_unknown_service_is_forbidden_not_missing() {
    let sap = Sap::start().await;
    let response = sap
        .request(Method::GET, "API_NO_SUCH_SRV/Things")
        .query(&[("$format", "json")])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "/IWFND/MED/170");
    assert_eq!(
        body["error"]["message"]["value"],
        "No service found for namespace '', name 'API_NO_SUCH_SRV', version '0001'"
    );
}

#[tokio::test]
async fn the_service_is_read_only() {
    let sap = Sap::start().await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let response = sap
            .request(
                method.clone(),
                &format!("{SERVICE}/I_PurchaseOrder('4500000520')?$format=json"),
            )
            .send()
            .await
            .unwrap();
        assert_eq!(
            response.status(),
            StatusCode::METHOD_NOT_ALLOWED,
            "{method}"
        );
        assert_eq!(response.headers()[header::ALLOW], "GET, HEAD", "{method}");
    }
    let head = sap
        .request(Method::HEAD, &format!("{SERVICE}/$metadata"))
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn representations() {
    let mut sap = Sap::start().await;
    sap.test.expect_unknown_operations();
    for (accept, query, status, content_type) in [
        (
            "application/json",
            "",
            200,
            "application/json;charset=utf-8",
        ),
        (
            "application/xml",
            "?$format=json",
            200,
            "application/json;charset=utf-8",
        ),
        ("*/*", "", 501, "application/xml;charset=utf-8"),
        (
            "application/atom+xml",
            "",
            501,
            "application/xml;charset=utf-8",
        ),
        ("text/csv", "", 406, "application/xml;charset=utf-8"),
    ] {
        let path = format!("{SERVICE}/I_PurchaseOrder('4500000520'){query}");
        let response = sap
            .request(Method::GET, &path)
            .header(header::ACCEPT, accept)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status, "{accept} {query}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            content_type,
            "{accept} {query}"
        );
    }
}
