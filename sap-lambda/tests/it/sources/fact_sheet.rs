//! `C_PURCHASEORDER_FS_SRV`.

use super::*;

#[tokio::test]
async fn fact_sheet_headers() {
    let sap = Sap::new().await;
    let mut odd = hit(4_500_001_867);
    for (property, value) in [
        ("Supplier", json!("")),
        ("SupplierName", json!("")),
        ("CreationDate", json!(null)),
        // Some servers write bare numbers; no digit may get lost.
        ("PurchaseOrderNetAmount", json!(null)),
        ("PurchasingDocumentDeletionCode", json!("L")),
        ("PurchasingCompletenessStatus", json!(true)),
    ] {
        odd[property] = value;
    }
    let body = json!({"d": {"results": [odd], "__count": "29"}})
        .to_string()
        .replace(
            r#""PurchaseOrderNetAmount":null"#,
            r#""PurchaseOrderNetAmount":12345678901234567.89"#,
        );
    sap.answers(FACT_SHEET, "C_PurchaseOrderFs", move |_| {
        ResponseTemplate::new(200).set_body_raw(body.clone(), "application/json")
    })
    .await;
    let filter = OrderFilter {
        supplier: text("O'NEILL"),
        date_from: Some(date!(2025 - 08 - 01)),
        deleted: Some(true),
        ..OrderFilter::default()
    };
    let call = invocation();
    let found = sap
        .fact_sheet()
        .orders(&filter, Sort::NewestFirst, 1, &call)
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    C_PURCHASEORDER_FS_SRV/C_PurchaseOrderFs
      $filter=(Supplier eq 'O''NEILL' and PurchaseOrderDate ge datetime'2025-08-01T00:00:00' and (PurchasingDocumentDeletionCode ne '' and PurchasingDocumentDeletionCode ne 'S'))
      $select=PurchaseOrder,Supplier,SupplierName,CompanyCode,PurchasingOrganization,PurchasingGroup,PurchaseOrderType,DocumentCurrency,PurchaseOrderDate,CreationDate,PaymentTerms,PurchaseOrderNetAmount,PurchasingDocumentDeletionCode,PurchasingCompletenessStatus
      $orderby=PurchaseOrderDate desc,PurchaseOrder desc
      $top=1
    ");
    assert_eq!(
        (found.total, found.complete, found.total_is_minimum),
        (29, false, false)
    );
    let order = &found.rows[0];
    assert_eq!(
        (&order.supplier, &order.supplier_name, order.creation_date),
        (&None, &None, None)
    );
    assert_eq!(order.net_amount, Some(decimal("12345678901234567.89")));
    assert_eq!(order.order_date, Some(date!(2025 - 08 - 01)));
    assert!(order.deleted && order.on_hold);

    let request = sap.requests().await.remove(0);
    assert_eq!(parameter(&request, "sap-client").unwrap(), "100");
    assert_eq!(parameter(&request, "sap-language").unwrap(), "EN");
    assert_eq!(parameter(&request, "$inlinecount").unwrap(), "allpages");
    assert_eq!(request.headers["x-correlationid"], "call-1");
    let trail = call.trail();
    assert_eq!(trail.requests.len(), 1);
    assert_eq!(
        trail.requests[0].entity_set,
        "C_PURCHASEORDER_FS_SRV/C_PurchaseOrderFs"
    );
    assert_eq!(trail.requests[0].status, Some(200));
}

#[tokio::test]
async fn fact_sheet_items() {
    let sap = Sap::new().await;
    let mut blocked = key(4_500_000_009);
    blocked["PurchasingDocumentDeletionCode"] = json!("S");
    let mut deleted = key(4_500_000_008);
    deleted["PurchasingDocumentDeletionCode"] = json!("L");
    deleted["Material"] = json!("");
    // The envelope of OData v1, without a count.
    let body = json!({"d": [blocked, deleted]});
    sap.holds(FACT_SHEET, "I_PurchaseOrderItem", body).await;
    let filter = LineFilter {
        material: text("MZ-RM-C990-01"),
        delivered: Some(false),
        active: true,
        ..LineFilter::default()
    };
    let found = sap
        .fact_sheet()
        .lines(&filter, Sort::NumberDescending, 50, &invocation())
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    C_PURCHASEORDER_FS_SRV/I_PurchaseOrderItem
      $filter=(Material eq 'MZ-RM-C990-01' and IsCompletelyDelivered eq false and (PurchasingDocumentDeletionCode eq '' or PurchasingDocumentDeletionCode eq 'S') and IsReturnsItem eq false)
      $select=PurchaseOrder,PurchaseOrderItem,Material,PurchaseOrderItemText,Plant,OrderQuantity,PurchaseOrderQuantityUnit,NetPriceAmount,NetPriceQuantity,NetAmount,DocumentCurrency,IsCompletelyDelivered,IsFinallyInvoiced,GoodsReceiptIsExpected,InvoiceIsExpected,IsReturnsItem,PurchasingDocumentDeletionCode
      $orderby=PurchaseOrder desc,PurchaseOrderItem asc
      $top=50
    ");
    assert_eq!((found.total, found.complete), (2, true));
    assert_eq!(
        found
            .rows
            .iter()
            .map(|line| line.deleted)
            .collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(found.rows[1].material, None);
    assert_eq!(found.rows[0].net_amount, decimal("1234.5"));
}

#[tokio::test]
async fn fact_sheet_open_quantities() {
    let sap = Sap::new().await;
    let body = json!({"d": {"__count": 6, "results": [
        schedule_line(1, "00010", 20_000, ["6.000", "6.000", "0.000"]),
        schedule_line(1, "00010", 20_020, ["4.000", "0.500", "3.500"]),
        schedule_line(1, "00010", 20_010, ["4.000", "0.000", "4.000"]),
        schedule_line(1, "00020", 20_000, ["5.000", "7.000", "-2.000"]),
        schedule_line(2, "00010", 20_000, ["5.000", "1.000", "4.000"]),
        schedule_line(2, "00030", 20_000, ["5.000", "1.000", "4.000"]),
    ]}});
    sap.holds(FACT_SHEET, "I_PurchaseOrderScheduleLine", body)
        .await;
    let lines = [
        line(2, "00010", "EA"),
        line(1, "00020", "EA"),
        line(1, "00010", "EA"),
        // Nothing is scheduled.
        line(1, "00040", "EA"),
        Line {
            delivered: true,
            ..line(2, "00030", "EA")
        },
    ];
    let found = sap
        .fact_sheet()
        .open_quantities(&lines, &invocation())
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    C_PURCHASEORDER_FS_SRV/I_PurchaseOrderScheduleLine
      $filter=(PurchaseOrder eq '1' or PurchaseOrder eq '2')
      $select=PurchaseOrder,PurchaseOrderItem,ScheduleLine,ScheduleLineDeliveryDate,ScheduleLineOrderQuantity,RoughGoodsReceiptQty,OpenPurchaseOrderQuantity,OpenPurchaseOrderNetAmount,PurchaseOrderQuantityUnit,DocumentCurrency
      $orderby=PurchaseOrder asc,PurchaseOrderItem asc,ScheduleLine asc
      $top=5000
    ");
    assert!(found.complete);
    let open: Vec<_> = found
        .rows
        .iter()
        .map(|row| {
            format!(
                "{}/{}: {} - {} = {}, {} USD, {:?}",
                row.key.order,
                row.key.item,
                row.ordered,
                row.received,
                row.open,
                row.open_net_amount.unwrap(),
                row.next_delivery_date.map(|date| date.to_string()),
            )
        })
        .collect();
    insta::assert_snapshot!(open.join("\n"), @r#"
    2/00010: 5.000 - 1.000 = 4.000, 4.0000 USD, Some("2024-10-04")
    1/00020: 5.000 - 7.000 = 0, 0 USD, None
    1/00010: 14.000 - 6.500 = 7.500, 7.5000 USD, Some("2024-10-14")
    1/00040: 0 - 0 = 0, 0 USD, None
    2/00030: 5.000 - 1.000 = 0, 0 USD, None
    "#);
}

#[tokio::test]
async fn fact_sheet_receipts() {
    let sap = Sap::new().await;
    let receipt = |document: &str, movement: &str, code: &str, cancelled: bool| {
        json!({
            "MaterialDocument": document, "MaterialDocumentYear": "2024", "MaterialDocumentItem": "0001",
            "PurchaseOrder": "4500000520", "PurchaseOrderItem": "00010", "Material": "MZ-RM-C990-01",
            "Plant": "1710", "StorageLocation": "171A", "GoodsMovementType": movement,
            "QuantityInEntryUnit": "100.000", "EntryUnit": "EA", "PostingDate": "/Date(1710460800000)/",
            "GoodsMovementIsCancelled": cancelled, "DebitCreditCode": code,
            "ReversedMaterialDocument": if code == "H" { "5000000001" } else { "" },
        })
    };
    let body = json!({"d": {"__count": "3", "results": [
        receipt("5000000003", "101", "S", false),
        receipt("5000000002", "102", "H", false),
        receipt("5000000001", "101", "", true),
    ]}});
    sap.holds(FACT_SHEET, "C_PurchaseOrderGoodsReceipt", body)
        .await;
    let filter = ReceiptFilter {
        order: text("4500000520"),
        material: text("MZ-RM-C990-01"),
    };
    let found = sap
        .fact_sheet()
        .receipts(&filter, 50, &invocation())
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    C_PURCHASEORDER_FS_SRV/C_PurchaseOrderGoodsReceipt
      $filter=(PurchaseOrder eq '4500000520' and Material eq 'MZ-RM-C990-01')
      $select=MaterialDocument,MaterialDocumentYear,MaterialDocumentItem,PurchaseOrder,PurchaseOrderItem,Material,Plant,StorageLocation,GoodsMovementType,QuantityInEntryUnit,EntryUnit,PostingDate,GoodsMovementIsCancelled,ReversedMaterialDocument,DebitCreditCode
      $orderby=PostingDate desc,MaterialDocumentYear desc,MaterialDocument desc,MaterialDocumentItem asc,PurchaseOrder asc,PurchaseOrderItem asc
      $top=50
    ");
    let signed: Vec<_> = found
        .rows
        .iter()
        .map(|row| {
            let quantity = row.signed_quantity().normalize().to_string();
            (quantity, row.cancelled, row.reverses.as_deref())
        })
        .collect();
    assert_eq!(
        signed,
        [
            ("100".to_owned(), false, None),
            ("-100".to_owned(), false, Some("5000000001")),
            ("100".to_owned(), true, None),
        ]
    );
    assert_eq!(found.rows[0].posting_date, Some(date!(2024 - 03 - 15)));
}

#[tokio::test]
async fn odd_answers_are_refused_without_quoting_them() {
    let good = key(4_500_000_001);
    let without = |property: &str| {
        let mut row = good.clone();
        row.as_object_mut().unwrap().remove(property);
        row
    };
    let with = |property: &str, value: Value| {
        let mut row = good.clone();
        row[property] = value;
        row
    };
    for (row, complaint) in [
        (without("NetAmount"), "missing field `NetAmount`"),
        (
            with("NetAmount", json!("hunter2")),
            "a property should be a decimal",
        ),
        (
            with("NetAmount", json!("1e30")),
            "a property should be a decimal",
        ),
        (
            with("IsReturnsItem", json!("hunter2")),
            "Data error at line 1",
        ),
        (with("Material", json!(["hunter2"])), "Data error at line 1"),
    ] {
        let sap = Sap::new().await;
        let body = json!({"d": {"results": [row]}});
        sap.holds(FACT_SHEET, "I_PurchaseOrderItem", body).await;
        let error = sap
            .fact_sheet()
            .lines(&LineFilter::default(), Sort::Number, 5, &invocation())
            .await
            .unwrap_err();
        let SapError::UnexpectedAnswer { detail } = error else {
            panic!("{error:?}")
        };
        let expected = format!("entity set I_PurchaseOrderItem: {complaint}");
        assert!(detail.starts_with(&expected), "{detail}");
        assert!(!detail.contains("hunter2"), "{detail}");
    }
}
