//! `API_PURCHASEORDER_PROCESS_SRV`, and that it says the same as the fact sheet.

use super::*;

fn process_item(item: &str, changes: &[(&str, Value)]) -> Value {
    let mut row = key(4_500_000_520);
    let map = row.as_object_mut().unwrap();
    map.remove("NetAmount");
    map.insert("PurchaseOrderItem".to_owned(), json!(item));
    map.insert("OrderPriceUnitToOrderUnitNmrtr".to_owned(), json!("1"));
    map.insert("OrdPriceUnitToOrderUnitDnmntr".to_owned(), json!("1"));
    for (property, value) in changes {
        map.insert((*property).to_owned(), value.clone());
    }
    row
}

#[tokio::test]
async fn process_api_headers() {
    let sap = Sap::new().await;
    let mut header = hit(4_500_000_520);
    let map = header.as_object_mut().unwrap();
    map.remove("SupplierName");
    map.remove("PurchaseOrderNetAmount");
    map.insert("AddressName".to_owned(), json!("Velo Supply 08"));
    let mut unnamed = header.clone();
    unnamed["AddressName"] = json!("");
    let body = json!({"d": {"__count": "2", "results": [header, unnamed]}});
    sap.holds(PROCESS, "A_PurchaseOrder", body).await;
    let filter = OrderFilter {
        supplier_contains: vec!["VSF".to_owned()],
        supplier_name_contains: vec![vec!["velo".to_owned(), "Velo".to_owned()]],
        contains_any: true,
        on_hold: Some(false),
        ..OrderFilter::default()
    };
    let found = sap
        .process_api()
        .orders(&filter, Sort::Number, 10, &invocation())
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrder
      $filter=(PurchasingCompletenessStatus eq false and (substringof('VSF',Supplier) or (substringof('velo',AddressName) or substringof('Velo',AddressName))))
      $select=PurchaseOrder,Supplier,AddressName,CompanyCode,PurchasingOrganization,PurchasingGroup,PurchaseOrderType,DocumentCurrency,PurchaseOrderDate,CreationDate,PaymentTerms,PurchasingDocumentDeletionCode,PurchasingCompletenessStatus
      $orderby=PurchaseOrder asc
      $top=10
    ");
    let names: Vec<_> = found
        .rows
        .iter()
        .map(|order| (order.supplier_name.as_deref(), order.net_amount))
        .collect();
    assert_eq!(names, [(Some("Velo Supply 08"), None), (None, None)]);
    assert!(found.complete);
}

#[tokio::test]
async fn process_api_items_are_valued_here() {
    let sap = Sap::new().await;
    let rows = [
        process_item(
            "00010",
            &[
                ("OrderQuantity", json!("362.000")),
                ("NetPriceAmount", json!("335.240")),
            ],
        ),
        // 7 pieces at 10.05 for 100: 0.7035, which is 0.70 in dollars and 1 in yen.
        process_item(
            "00020",
            &[
                ("OrderQuantity", json!("7")),
                ("NetPriceAmount", json!("10.05")),
                ("NetPriceQuantity", json!("100")),
            ],
        ),
        process_item(
            "00030",
            &[
                ("OrderQuantity", json!("7")),
                ("NetPriceAmount", json!("10.05")),
                ("NetPriceQuantity", json!("100")),
                ("DocumentCurrency", json!("JPY")),
            ],
        ),
        // Half a cent goes up.
        process_item(
            "00040",
            &[
                ("OrderQuantity", json!("1")),
                ("NetPriceAmount", json!("0.005")),
            ],
        ),
        // Ordered in boxes of 12, priced by the piece.
        process_item(
            "00050",
            &[
                ("OrderQuantity", json!("2")),
                ("NetPriceAmount", json!("1.5")),
                ("OrderPriceUnitToOrderUnitNmrtr", json!("12")),
            ],
        ),
        // Not maintained.
        process_item(
            "00060",
            &[
                ("OrderQuantity", json!("2")),
                ("NetPriceAmount", json!("1.5")),
                ("NetPriceQuantity", json!("0")),
            ],
        ),
    ];
    let body = json!({"d": {"__count": "6", "results": rows}});
    sap.holds(PROCESS, "A_PurchaseOrderItem", body).await;
    let filter = LineFilter {
        orders: vec!["4500000520".to_owned()],
        ..LineFilter::default()
    };
    let found = sap
        .process_api()
        .lines(&filter, Sort::Number, 10, &invocation())
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrderItem
      $filter=PurchaseOrder eq '4500000520'
      $select=PurchaseOrder,PurchaseOrderItem,Material,PurchaseOrderItemText,Plant,OrderQuantity,PurchaseOrderQuantityUnit,NetPriceAmount,NetPriceQuantity,OrderPriceUnitToOrderUnitNmrtr,OrdPriceUnitToOrderUnitDnmntr,DocumentCurrency,IsCompletelyDelivered,IsFinallyInvoiced,GoodsReceiptIsExpected,InvoiceIsExpected,IsReturnsItem,PurchasingDocumentDeletionCode
      $orderby=PurchaseOrder asc,PurchaseOrderItem asc
      $top=10
    ");
    let amounts: Vec<_> = found
        .rows
        .iter()
        .map(|line| line.net_amount.normalize().to_string())
        .collect();
    assert_eq!(amounts, ["121356.88", "0.7", "1", "0.01", "36", "3"]);
}

#[tokio::test]
async fn process_api_open_quantities() {
    let sap = Sap::new().await;
    let scheduled = |order: u64, item: &str, day: i64, quantity: &str| {
        json!({
            "PurchasingDocument": order.to_string(), "PurchasingDocumentItem": item,
            "ScheduleLineDeliveryDate": format!("/Date({})/", day * 86_400_000),
            "ScheduleLineOrderQuantity": quantity,
        })
    };
    let moved = |order: u64,
                 item: &str,
                 movement: &str,
                 [quantity, unit, base, base_unit]: [&str; 4]| {
        json!({
            "PurchaseOrder": order.to_string(), "PurchaseOrderItem": item, "GoodsMovementType": movement,
            "QuantityInEntryUnit": quantity, "EntryUnit": unit,
            "QuantityInBaseUnit": base, "MaterialBaseUnit": base_unit,
        })
    };
    let schedule = json!({"d": {"__count": "7", "results": [
        scheduled(1, "00010", 20_020, "4.000"),
        scheduled(1, "00010", 20_000, "6.000"),
        scheduled(1, "00020", 20_000, "5.000"),
        scheduled(1, "00030", 20_000, "5.000"),
        scheduled(2, "00010", 20_000, "3.000"),
        scheduled(2, "00020", 20_000, "3.000"),
        scheduled(2, "00030", 20_000, "3.000"),
    ]}});
    sap.holds(PROCESS, "A_PurchaseOrderScheduleLine", schedule)
        .await;
    let pieces = |quantity| [quantity, "EA", quantity, "EA"];
    let movements = json!({"d": {"__count": "10", "results": [
        // 8 received, 1 of them sent back, 2 reversed, 2 received again, 5 only in blocked stock.
        moved(1, "00010", "101", pieces("8.000")),
        moved(1, "00010", "122", pieces("1.000")),
        moved(1, "00010", "102", pieces("2.000")),
        moved(1, "00010", "101", pieces("2.000")),
        moved(1, "00010", "103", pieces("5.000")),
        // More than was ordered.
        moved(1, "00020", "101", pieces("6.000")),
        // Entered in boxes, ordered in the base unit.
        moved(1, "00030", "101", ["1.000", "BOX", "4.000", "EA"]),
        // A unit that says nothing about the order's.
        moved(2, "00010", "101", ["1.000", "KG", "1.000", "KG"]),
        moved(2, "00020", "101", pieces("1.000")),
        moved(2, "00030", "161", pieces("2.000")),
    ]}});
    sap.holds(DOCUMENTS, "A_MaterialDocumentItem", movements)
        .await;
    let lines = [
        line(1, "00010", "EA"),
        line(1, "00020", "EA"),
        line(1, "00030", "EA"),
        line(2, "00010", "EA"),
        Line {
            delivered: true,
            ..line(2, "00020", "EA")
        },
        // Goods that go back.
        Line {
            returns: true,
            ..line(2, "00030", "EA")
        },
    ];
    let found = sap
        .process_api()
        .open_quantities(&lines, &invocation())
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    API_MATERIAL_DOCUMENT_SRV/A_MaterialDocumentItem
      $filter=(PurchaseOrder eq '1' or PurchaseOrder eq '2')
      $select=PurchaseOrder,PurchaseOrderItem,GoodsMovementType,QuantityInEntryUnit,EntryUnit,QuantityInBaseUnit,MaterialBaseUnit
      $orderby=PurchaseOrder asc,MaterialDocumentYear asc,MaterialDocument asc,MaterialDocumentItem asc
      $top=5000
    API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrderScheduleLine
      $filter=(PurchasingDocument eq '1' or PurchasingDocument eq '2')
      $select=PurchasingDocument,PurchasingDocumentItem,ScheduleLineDeliveryDate,ScheduleLineOrderQuantity
      $orderby=PurchasingDocument asc,PurchasingDocumentItem asc,ScheduleLine asc
      $top=5000
    ");
    let open: Vec<_> = found
        .rows
        .iter()
        .map(|row| {
            format!(
                "{}/{}: {} - {} = {}, {:?}",
                row.key.order,
                row.key.item,
                row.ordered,
                row.received,
                row.open,
                row.next_delivery_date.map(|date| date.to_string()),
            )
        })
        .collect();
    insta::assert_snapshot!(open.join("\n"), @r#"
    1/00010: 10.000 - 7.000 = 3.000, Some("2024-10-24")
    1/00020: 5.000 - 6.000 = 0, None
    1/00030: 5.000 - 4.000 = 1.000, Some("2024-10-04")
    2/00020: 3.000 - 1.000 = 0, None
    2/00030: 3.000 - 2.000 = 1.000, Some("2024-10-04")
    "#);
    // One could not be answered for.
    assert!(!found.complete);
}

#[tokio::test]
async fn process_api_receipts() {
    let sap = Sap::new().await;
    let receipt = |document: &str, movement: &str, header: Value| {
        json!({
            "MaterialDocument": document, "MaterialDocumentYear": "2024", "MaterialDocumentItem": "0001",
            "PurchaseOrder": "4500000520", "PurchaseOrderItem": "00010", "Material": "MZ-RM-C990-01",
            "Plant": "1710", "StorageLocation": "", "GoodsMovementType": movement,
            "QuantityInEntryUnit": 100.5, "EntryUnit": "EA", "GoodsMovementIsCancelled": false,
            "ReversedMaterialDocument": "", "to_MaterialDocumentHeader": header,
        })
    };
    let body = json!({"d": {"__count": "3", "results": [
        receipt("5000000003", "122", json!({"__metadata": {"uri": "x"}, "PostingDate": "/Date(1710460800000)/"})),
        receipt("5000000002", "101", json!({"PostingDate": "/Date(1710547200000)/"})),
        receipt("5000000001", "101", json!({"__deferred": {"uri": "x"}})),
    ]}});
    sap.holds(DOCUMENTS, "A_MaterialDocumentItem", body).await;
    let filter = ReceiptFilter {
        order: None,
        material: text("MZ-RM-C990-01"),
    };
    let found = sap
        .process_api()
        .receipts(&filter, 50, &invocation())
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    API_MATERIAL_DOCUMENT_SRV/A_MaterialDocumentItem
      $filter=(Material eq 'MZ-RM-C990-01' and PurchaseOrder ne '' and (GoodsMovementType eq '101' or GoodsMovementType eq '105' or GoodsMovementType eq '107' or GoodsMovementType eq '123' or GoodsMovementType eq '162' or GoodsMovementType eq '102' or GoodsMovementType eq '106' or GoodsMovementType eq '108' or GoodsMovementType eq '122' or GoodsMovementType eq '161' or GoodsMovementType eq '103' or GoodsMovementType eq '104' or GoodsMovementType eq '109' or GoodsMovementType eq '110' or GoodsMovementType eq '124' or GoodsMovementType eq '125'))
      $select=MaterialDocument,MaterialDocumentYear,MaterialDocumentItem,PurchaseOrder,PurchaseOrderItem,Material,Plant,StorageLocation,GoodsMovementType,QuantityInEntryUnit,EntryUnit,GoodsMovementIsCancelled,ReversedMaterialDocument,to_MaterialDocumentHeader/PostingDate
      $expand=to_MaterialDocumentHeader
      $orderby=MaterialDocumentYear desc,MaterialDocument desc,MaterialDocumentItem asc
      $top=50
    ");
    let list: Vec<_> = found
        .rows
        .iter()
        .map(|row| {
            (
                row.document.as_str(),
                row.signed_quantity().to_string(),
                row.posting_date,
            )
        })
        .collect();
    assert_eq!(
        list,
        [
            (
                "5000000002",
                "100.5".to_owned(),
                Some(date!(2024 - 03 - 16))
            ),
            (
                "5000000003",
                "-100.5".to_owned(),
                Some(date!(2024 - 03 - 15))
            ),
            ("5000000001", "100.5".to_owned(), None),
        ]
    );
}

#[tokio::test]
async fn both_services_say_the_same_of_the_same_order() {
    // One order of two items as each service tells it.
    let sap = Sap::new().await;
    let quantities = BTreeMap::from([
        ("00010", ("10.000", "4.000")),
        ("00020", ("5.000", "5.000")),
    ]);
    let (mut items, mut valued, mut fact_schedule, mut schedule, mut movements) =
        (vec![], vec![], vec![], vec![], vec![]);
    for (item, (ordered, received)) in &quantities {
        let open = decimal(ordered) - decimal(received);
        let changes = [("OrderQuantity", json!(ordered))];
        items.push(process_item(item, &changes));
        let mut row = process_item(item, &changes);
        row["NetAmount"] = json!((decimal(ordered) * decimal("123.45")).to_string());
        valued.push(row);
        fact_schedule.push(schedule_line(
            4_500_000_520,
            item,
            20_000,
            [ordered, received, &open.to_string()],
        ));
        schedule.push(json!({
            "PurchasingDocument": "4500000520", "PurchasingDocumentItem": item,
            "ScheduleLineDeliveryDate": "/Date(1728000000000)/", "ScheduleLineOrderQuantity": ordered,
        }));
        movements.push(json!({
            "PurchaseOrder": "4500000520", "PurchaseOrderItem": item, "GoodsMovementType": "101",
            "QuantityInEntryUnit": received, "EntryUnit": "EA", "QuantityInBaseUnit": received, "MaterialBaseUnit": "EA",
        }));
    }
    let all = |rows: Vec<Value>| json!({"d": {"results": rows}});
    sap.holds(FACT_SHEET, "I_PurchaseOrderItem", all(valued))
        .await;
    sap.holds(
        FACT_SHEET,
        "I_PurchaseOrderScheduleLine",
        all(fact_schedule),
    )
    .await;
    sap.holds(PROCESS, "A_PurchaseOrderItem", all(items)).await;
    sap.holds(PROCESS, "A_PurchaseOrderScheduleLine", all(schedule))
        .await;
    sap.holds(DOCUMENTS, "A_MaterialDocumentItem", all(movements))
        .await;
    let filter = LineFilter::default();
    let mut told = Vec::new();
    let services: [Box<dyn PurchaseOrders>; 2] =
        [Box::new(sap.fact_sheet()), Box::new(sap.process_api())];
    for service in services {
        let lines = service
            .lines(&filter, Sort::Number, 10, &invocation())
            .await
            .unwrap();
        let open = service
            .open_quantities(&lines.rows, &invocation())
            .await
            .unwrap();
        let mut open = open.rows;
        // Only the fact sheet knows this.
        open.iter_mut().for_each(|row| row.open_net_amount = None);
        told.push((lines.rows, open));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].1[0].open, Decimal::from(6));
}
