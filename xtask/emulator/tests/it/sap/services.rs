//! The released services, and what is due and what has come in the fact-sheet service.

use reqwest::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{SERVICE, Sap, results};

const ORDERS: &str = "API_PURCHASEORDER_PROCESS_SRV";
const STOCK: &str = "API_MATERIAL_STOCK_SRV";
const DOCUMENTS: &str = "API_MATERIAL_DOCUMENT_SRV";

fn number(entity: &Value, property: &str) -> Decimal {
    let text = entity[property].as_str();
    text.unwrap_or_else(|| panic!("{property} of {entity}"))
        .parse()
        .unwrap()
}

fn keys(entity: &Value) -> Vec<&String> {
    entity.as_object().unwrap().keys().collect()
}

#[tokio::test]
async fn every_service_describes_itself() {
    let sap = Sap::start().await;
    for (service, sets) in [
        (
            ORDERS,
            &[
                "A_PurchaseOrder",
                "A_PurchaseOrderItem",
                "A_PurchaseOrderScheduleLine",
            ][..],
        ),
        (STOCK, &["A_MatlStkInAcctMod", "A_MaterialStock"]),
        (
            DOCUMENTS,
            &["A_MaterialDocumentHeader", "A_MaterialDocumentItem"],
        ),
    ] {
        assert_eq!(
            sap.json_of(service, "").await,
            json!({"d": {"EntitySets": sets}})
        );
        let edmx = sap.text_of(service, "$metadata").await;
        assert!(
            edmx.contains(&format!("<Schema Namespace=\"{service}\"")),
            "{edmx}"
        );
        for set in sets {
            assert!(
                edmx.contains(&format!("<EntitySet Name=\"{set}\"")),
                "{set}"
            );
            assert!(
                !sap.text_of(service, &format!("{set}/$count"))
                    .await
                    .is_empty()
            );
        }
    }
    let edmx = sap.text_of(ORDERS, "$metadata").await;
    for part in [
        "<NavigationProperty Name=\"to_PurchaseOrder\" Relationship=\"API_PURCHASEORDER_PROCESS_SRV.A_PurchaseOrderItem_to_PurchaseOrder\"",
        "<End Type=\"API_PURCHASEORDER_PROCESS_SRV.A_PurchaseOrderItemType\" Multiplicity=\"*\" Role=\"FromRole\"/><End Type=\"API_PURCHASEORDER_PROCESS_SRV.A_PurchaseOrderType\" Multiplicity=\"1\" Role=\"ToRole\"/>",
    ] {
        assert!(edmx.contains(part), "{part}");
    }
    let edmx = sap.text("$metadata").await;
    assert!(edmx.contains("Name=\"I_PurchaseOrderScheduleLineType\" sap:semantics=\"aggregate\""));
    assert!(edmx.contains("Name=\"C_PurchaseOrderFs\" EntityType=\"C_PURCHASEORDER_FS_SRV.C_PurchaseOrderFsType\" sap:creatable=\"false\" sap:updatable=\"false\" sap:deletable=\"false\" sap:searchable=\"true\""));
}

#[tokio::test]
async fn the_process_service_has_the_same_orders() {
    let sap = Sap::start().await;
    let answer = sap
        .json_of(
            ORDERS,
            "A_PurchaseOrder('4500000520')?$expand=to_PurchaseOrderItem/to_ScheduleLine",
        )
        .await;
    let order = &answer["d"];
    assert_eq!(order["Supplier"], "USSU-VSF08");
    assert_eq!(order["PurchaseOrderDate"], "/Date(1571616000000)/");
    assert_eq!(order["ValidityStartDate"], Value::Null);
    for absent in ["SupplierName", "PurchaseOrderNetAmount"] {
        assert!(order.get(absent).is_none(), "{absent}");
    }
    let items = order["to_PurchaseOrderItem"]["results"].as_array().unwrap();
    let net: Decimal = items
        .iter()
        .map(|item| {
            number(item, "OrderQuantity") * number(item, "NetPriceAmount")
                / number(item, "NetPriceQuantity")
        })
        .sum();
    assert_eq!(net, Decimal::from(209_236));
    assert!(items[0].get("NetAmount").is_none());
    let lines = items[0]["to_ScheduleLine"]["results"].as_array().unwrap();
    let shown: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                &line["ScheduleLine"],
                &line["ScheduleLineDeliveryDate"],
                &line["ScheduleLineOrderQuantity"],
            )
        })
        .collect();
    assert_eq!(
        json!(shown),
        json!([
            ["0001", "/Date(1573430400000)/", "262.000"],
            ["0002", "/Date(1710460800000)/", "100.000"]
        ])
    );
    let uri = format!(
        "{}/A_PurchaseOrderScheduleLine(PurchasingDocument='4500000520',PurchasingDocumentItem='00010',ScheduleLine='0001')",
        sap.url(ORDERS)
    );
    assert_eq!(lines[0]["__metadata"]["uri"], uri);
    // Named keys in any order, and the schedule lines by themselves.
    for path in [
        "A_PurchaseOrderItem(PurchaseOrderItem='00010',PurchaseOrder='4500000520')/to_ScheduleLine",
        "A_PurchaseOrderScheduleLine?$filter=PurchasingDocument eq '4500000520' and PurchasingDocumentItem eq '00010'",
    ] {
        assert_eq!(results(&sap.json_of(ORDERS, path).await), lines, "{path}");
    }
}

#[tokio::test]
async fn a_navigation_to_one_gives_an_entity() {
    let sap = Sap::start().await;
    let path = "A_PurchaseOrderItem(PurchaseOrder='4500000520',PurchaseOrderItem='00010')";
    let header = sap.json_of(ORDERS, "A_PurchaseOrder('4500000520')").await;
    assert_eq!(
        sap.json_of(ORDERS, &format!("{path}/to_PurchaseOrder"))
            .await,
        header
    );
    let expanded = sap
        .json_of(
            ORDERS,
            &format!("{path}?$expand=to_PurchaseOrder&$select=Material,to_PurchaseOrder/Supplier"),
        )
        .await;
    assert_eq!(
        keys(&expanded["d"]),
        ["__metadata", "Material", "to_PurchaseOrder"]
    );
    assert_eq!(
        keys(&expanded["d"]["to_PurchaseOrder"]),
        ["__metadata", "Supplier"]
    );
    assert_eq!(expanded["d"]["to_PurchaseOrder"]["Supplier"], "USSU-VSF08");
    let (status, _) = sap
        .ask_service(ORDERS, &format!("{path}/to_PurchaseOrder/$count"))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn schedule_lines_tell_what_is_open() {
    let sap = Sap::start().await;
    let lines = async |filter: &str| {
        let answer = sap
            .json(&format!(
                "I_PurchaseOrderScheduleLine?$filter={filter}&$orderby=ScheduleLine&$select=ScheduleLine,ScheduleLineOrderQuantity,\
                 RoughGoodsReceiptQty,OpenPurchaseOrderQuantity,OpenPurchaseOrderNetAmount,DocumentCurrency"
            ))
            .await;
        let rows = results(&answer).iter();
        json!(
            rows.map(|row| row
                .as_object()
                .unwrap()
                .values()
                .skip(1)
                .collect::<Vec<_>>())
                .collect::<Vec<_>>()
        )
    };
    // Delivered in two parts.
    assert_eq!(
        lines("PurchaseOrder eq '4500000520' and PurchaseOrderItem eq '00010'").await,
        json!([
            ["0001", "USD", "262.000", "262.000", "0.000", "0.000"],
            ["0002", "USD", "100.000", "100.000", "0.000", "0.000"]
        ])
    );
    // 25 of 42 arrived for good.
    let shown = lines("PurchaseOrder eq '4500001686'").await;
    assert_eq!(
        shown[0].as_array().unwrap()[..5],
        *json!(["0001", "USD", "42.000", "25.000", "17.000"])
            .as_array()
            .unwrap()
    );
    // Short, and complete all the same.
    assert_eq!(
        lines("PurchaseOrder eq '4500000490'").await,
        json!([["0001", "GBP", "400.000", "398.500", "0.000", "0.000"]])
    );
    // Measures can be sorted, not filtered.
    let answer = sap
        .json("I_PurchaseOrderScheduleLine?$orderby=OpenPurchaseOrderQuantity desc,PurchaseOrder&$top=1&$inlinecount=allpages")
        .await;
    assert_eq!(answer["d"]["__count"], "10371");
    assert!(number(&results(&answer)[0], "OpenPurchaseOrderQuantity") > Decimal::ONE_HUNDRED);
    // The key is of use for this alone.
    let id = results(&answer)[0]["ID"].as_str().unwrap();
    let same = sap
        .json(&format!("I_PurchaseOrderScheduleLine('{id}')"))
        .await;
    assert_eq!(same["d"], results(&answer)[0]);
}

#[tokio::test]
async fn receipts_are_the_same_in_both_services() {
    let sap = Sap::start().await;
    let fact_sheet = sap
        .json("C_PurchaseOrderFs('4500001810')/to_PurchaseOrderGoodsReceipt?$filter=PurchaseOrderItem eq '00020'")
        .await;
    let released = sap
        .json_of(
            DOCUMENTS,
            "A_MaterialDocumentItem?$filter=PurchaseOrder eq '4500001810' and PurchaseOrderItem eq '00020'\
             &$expand=to_MaterialDocumentHeader",
        )
        .await;
    let shown = |row: &Value, date: &Value, sign: &str| {
        json!([
            row["GoodsMovementType"],
            sign,
            row["QuantityInEntryUnit"],
            row["EntryUnit"],
            row["GoodsMovementIsCancelled"],
            row["ReversedMaterialDocument"],
            date
        ])
    };
    let of_fact_sheet: Vec<_> = results(&fact_sheet)
        .iter()
        .map(|row| {
            shown(
                row,
                &row["PostingDate"],
                row["DebitCreditCode"].as_str().unwrap(),
            )
        })
        .collect();
    let of_released: Vec<_> = results(&released)
        .iter()
        .map(|row| {
            let sign = if row["GoodsMovementType"] == "101" {
                "S"
            } else {
                "H"
            };
            shown(row, &row["to_MaterialDocumentHeader"]["PostingDate"], sign)
        })
        .collect();
    assert_eq!(of_fact_sheet, of_released);
    let kinds: Vec<_> = of_released
        .iter()
        .map(|row| row[0].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["101", "102", "101"]);
    assert_eq!(of_released[0][4], true, "the first is cancelled");
    assert_eq!(
        of_released[1][5],
        results(&released)[0]["MaterialDocument"],
        "by the second"
    );
    assert_eq!(
        released["d"]["results"][0]["to_MaterialDocumentHeader"]["MaterialDocument"],
        results(&released)[0]["MaterialDocument"]
    );
}

#[tokio::test]
async fn the_query_for_receipts_that_works() {
    let sap = Sap::start().await;
    let answer = sap
        .json_of(
            DOCUMENTS,
            "A_MaterialDocumentItem?$filter=GoodsMovementType eq '101' and PurchaseOrder eq '4500000520' and PurchaseOrderItem eq '00010'\
             &$expand=to_MaterialDocumentHeader&$select=MaterialDocument,QuantityInEntryUnit,to_MaterialDocumentHeader/PostingDate\
             &$orderby=MaterialDocument desc",
        )
        .await;
    let rows = results(&answer);
    assert_eq!(
        keys(&rows[0]),
        [
            "__metadata",
            "MaterialDocument",
            "QuantityInEntryUnit",
            "to_MaterialDocumentHeader"
        ]
    );
    assert_eq!(rows[0]["MaterialDocument"], "5000012345");
    assert_eq!(rows[0]["QuantityInEntryUnit"], "100.000");
    assert_eq!(
        rows[0]["to_MaterialDocumentHeader"]["PostingDate"],
        "/Date(1710460800000)/"
    );
    let received: Decimal = rows
        .iter()
        .map(|row| number(row, "QuantityInEntryUnit"))
        .sum();
    assert_eq!(received, Decimal::from(362));
    // What the predecessor asked for: dates are not the item's.
    let (status, body) = sap
        .ask_service(DOCUMENTS, "A_MaterialDocumentItem?$select=PostingDate")
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        body["error"]["innererror"]["application"]["component_id"],
        "MM-IM-GF"
    );
    // The header by its key of two, the items behind it.
    let items = sap
        .json_of(DOCUMENTS, "A_MaterialDocumentHeader(MaterialDocument='5000012345',MaterialDocumentYear='2024')/to_MaterialDocumentItem")
        .await;
    assert_eq!(results(&items).len(), 1);
}

#[tokio::test]
async fn material_documents_come_in_pages() {
    let sap = Sap::start().await;
    let mut path = "A_MaterialDocumentItem?$select=MaterialDocument,MaterialDocumentItem&$inlinecount=allpages".to_owned();
    let mut seen = Vec::new();
    for page in 0.. {
        assert!(page < 20, "the pages do not end");
        let answer = sap.json_of(DOCUMENTS, &path).await;
        assert_eq!(answer["d"]["__count"], "9307");
        seen.extend(
            results(&answer)
                .iter()
                .map(|row| format!("{}{}", row["MaterialDocument"], row["MaterialDocumentItem"])),
        );
        let Some(next) = answer["d"]["__next"].as_str() else {
            break;
        };
        path = next
            .strip_prefix(&sap.url(&format!("{DOCUMENTS}/")))
            .unwrap()
            .to_owned();
    }
    assert_eq!(seen.len(), 9_307);
    assert!(seen.is_sorted_by(|a, b| a < b), "each once");
}

#[tokio::test]
async fn stock_by_its_long_key() {
    let sap = Sap::start().await;
    let answer = sap.json_of(STOCK, "A_MatlStkInAcctMod?$filter=Material eq 'FS-HB-M5X20' and InventorySpecialStockType eq 'K'").await;
    let [record] = results(&answer).as_slice() else {
        panic!("{answer}");
    };
    assert_eq!(
        record["MatlWrhsStkQtyInMatlBaseUnit"],
        "20000.00000000000000"
    );
    assert_eq!(record["Supplier"], "USSU-VSF10");
    let uri = record["__metadata"]["uri"].as_str().unwrap();
    let path = uri.strip_prefix(&sap.url(&format!("{STOCK}/"))).unwrap();
    assert_eq!(sap.json_of(STOCK, path).await["d"], *record);
    let unit = sap
        .json_of(STOCK, &format!("{path}/to_MaterialStock"))
        .await;
    assert_eq!(unit["d"]["MaterialBaseUnit"], "EA");

    assert_eq!(sap.text_of(STOCK, "A_MatlStkInAcctMod/$count").await, "199");
    let low = "A_MatlStkInAcctMod/$count?$filter=MatlWrhsStkQtyInMatlBaseUnit lt 10M";
    assert_eq!(sap.text_of(STOCK, low).await, "165");
    let plants = sap.json_of(STOCK, "A_MaterialStock('MZ-RM-C990-02')/to_MatlStkInAcctMod?$filter=InventoryStockType eq '01'").await;
    let plants: Vec<_> = results(&plants)
        .iter()
        .map(|row| row["Plant"].as_str().unwrap())
        .collect();
    assert_eq!(plants, ["1010", "1710", "1710"]);
}

#[tokio::test]
async fn expansions_are_selected_by_path() {
    let sap = Sap::start().await;
    let answer = sap
        .json_of(ORDERS, "A_PurchaseOrder?$top=1&$expand=to_PurchaseOrderItem,to_PurchaseOrderItem/to_ScheduleLine\
             &$select=PurchaseOrder,to_PurchaseOrderItem/Material,to_PurchaseOrderItem/to_ScheduleLine/ScheduleLine")
        .await;
    let item = &results(&answer)[0]["to_PurchaseOrderItem"]["results"][0];
    assert_eq!(keys(item), ["__metadata", "Material", "to_ScheduleLine"]);
    assert_eq!(
        keys(&item["to_ScheduleLine"]["results"][0]),
        ["__metadata", "ScheduleLine"]
    );
    let (status, body) = sap
        .ask_service(ORDERS, "A_PurchaseOrder?$expand=to_PurchaseOrderNote")
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let (status, _) = sap
        .ask_service(
            SERVICE,
            "I_PurchaseOrder?$select=to_PurchaseOrderItem/Material",
        )
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
