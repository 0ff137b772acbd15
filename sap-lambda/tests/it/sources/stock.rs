//! `API_MATERIAL_STOCK_SRV`.

use super::*;

#[tokio::test]
async fn stock_records() {
    let sap = Sap::new().await;
    let body = json!({"d": {"__count": "1", "results": [{
        "Material": "MZ-RM-C990-01", "Plant": "1710", "StorageLocation": "171A", "InventoryStockType": "01",
        "InventorySpecialStockType": "", "MaterialBaseUnit": "EA",
        "MatlWrhsStkQtyInMatlBaseUnit": "12345678901234567.25000000000000",
    }]}});
    sap.holds(STOCK, "A_MatlStkInAcctMod", body).await;
    let filter = StockFilter {
        materials: vec!["MZ-RM-C990-01".to_owned()],
        plant: text("1710"),
    };
    let found = MaterialStock::new(sap.service(STOCK))
        .records(&filter, 200, &invocation())
        .await
        .unwrap();
    insta::assert_snapshot!(sap.asked().await.join("\n"), @r"
    API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod
      $filter=(Material eq 'MZ-RM-C990-01' and Plant eq '1710')
      $select=Material,Plant,StorageLocation,InventoryStockType,InventorySpecialStockType,MaterialBaseUnit,MatlWrhsStkQtyInMatlBaseUnit
      $orderby=Material asc,Plant asc,StorageLocation asc,InventoryStockType asc,InventorySpecialStockType asc,Batch asc,Supplier asc,Customer asc,WBSElementInternalID asc,SDDocument asc,SDDocumentItem asc
      $top=200
    ");
    assert_eq!(found.rows[0].quantity, decimal("12345678901234567.25"));
    assert!(found.complete);
}
