//! Filters over the seed, and what is refused.

use super::*;
use crate::services::sap::{entities::SERVICES, seed::Seed};

fn matching(set: &str, filter: &str) -> Result<usize, ODataError> {
    let set = SERVICES[0].set(set).unwrap();
    let filter = Filter::parse(filter, set)?;
    Ok((set.rows)(Seed::shared(), None)
        .iter()
        .filter(|row| filter.accepts(row))
        .count())
}

#[test]
fn headers_that_pass() {
    let check = |filter: &str, expected: usize| {
        assert_eq!(
            matching("C_PurchaseOrderFs", filter),
            Ok(expected),
            "{filter}"
        );
    };
    check("PurchaseOrder eq '4500000520'", 1);
    check("'4500000520' eq PurchaseOrder", 1);
    check("  (((PurchaseOrder eq '4500000520')))  ", 1);
    check(
        "PurchaseOrder ge '4500000001' and PurchaseOrder le '4500000012'",
        12,
    );
    check("PurchaseOrder gt '4500002120'", 4);
    check(
        "PurchaseOrder lt '4500000003' or PurchaseOrder eq '4500000520'",
        3,
    );
    check("not (PurchaseOrder gt '4500000003')", 3);
    check("not (not (PurchaseOrder eq '4500000520'))", 1);
    // `and` binds tighter than `or`.
    check(
        "PurchaseOrder eq '4500000001' or PurchaseOrder eq '4500000002' and Supplier eq 'nobody'",
        1,
    );
    check(
        "(PurchaseOrder eq '4500000001' or PurchaseOrder eq '4500000002') and Supplier eq 'nobody'",
        0,
    );
    check("PurchaseOrder ne '4500000520'", 2_099);
    check("substringof('520',PurchaseOrder)", 2);
    check("substringof('520', PurchaseOrder) eq true", 2);
    check("startswith(SupplierName,'O''Connor')", 4);
    check("SupplierName eq 'O''Connor & Sons Cycle Parts'", 4);
    check(
        "endswith(SupplierName,'K.K.') and DocumentCurrency eq 'JPY' and startswith(Supplier,'JPSU-VSF02')",
        3,
    );
    check(
        "substringof('MÜLLER',toupper(SupplierName)) and PurchaseOrder eq '4500000460'",
        1,
    );
    check("tolower(Supplier) eq 'ussu-vsf10'", 1);
    check("length(Supplier) eq 0", 1);
    check("indexof(PurchaseOrder,'0520') eq 6", 1);
    check("substring(PurchaseOrder,6) eq '0520'", 1);
    check("substring(PurchaseOrder,6,3) eq '052'", 10);
    check(
        "concat(CompanyCode,DocumentCurrency) eq '1710JPY' and Supplier eq 'JPSU-VSF02'",
        3,
    );
    check("trim(Supplier) eq 'KWSU-VSF01'", 1);
    check(
        "PurchaseOrderDate eq datetime'2019-10-21T00:00:00' and PurchaseOrder eq '4500000520'",
        1,
    );
    check("PurchaseOrderDate ge datetime'2025-08-11T00:00'", 50);
    check(
        "year(PurchaseOrderDate) eq 2025 and month(PurchaseOrderDate) eq 8 and day(PurchaseOrderDate) eq 29",
        1,
    );
    check("PurchaseOrderNetAmount eq 209236M", 1);
    check("PurchaseOrderNetAmount eq 209236.00m", 1);
    check(
        "PurchaseOrderNetAmount ge 2.09236E5 and PurchaseOrder eq '4500000520'",
        1,
    );
    check("PurchaseOrderNetAmount lt -1", 0);
    check("Supplier eq null", 0);
    check("PurchasingCompletenessStatus", 1);
    // Multiplication binds tighter than addition, relations tighter than equality.
    check("PurchaseOrder eq '4500000520' and 2 add 3 mul 4 eq 14", 1);
    check("PurchaseOrder eq '4500000520' and (2 add 3) mul 4 eq 20", 1);
    check("PurchaseOrder eq '4500000520' and 10 sub 2 sub 3 eq 5", 1);
    check("PurchaseOrder eq '4500000520' and 1 lt 2 eq true", 1);
    check(
        "not startswith(PurchaseOrder,'4') eq false and PurchaseOrder eq '4500000520'",
        1,
    );
    // Integers are divided as integers, decimals are not.
    check("PurchaseOrder eq '4500000520' and 7 div 2 eq 3", 1);
    check("PurchaseOrder eq '4500000520' and 7M div 2 eq 3.5", 1);
    check("PurchaseOrder eq '4500000520' and -7 mod 3 eq -1", 1);
    check("PurchaseOrder eq '4500000520' and - (2 add 3) eq -5", 1);
    check("1 div 0 eq 1", 0);
    check("1 div 0 eq null", 2_100);
    check("PurchaseOrderNetAmount mul 2 div 4M add 0.5 eq 104618.5", 1);
    check(
        "round(2.5) eq 3 and floor(-2.5) eq -3 and ceiling(2.1) eq 3",
        2_100,
    );
    check("replace(PurchaseOrder,'45000','x') eq 'x00520'", 1);
    check("replace('aaa','','b') eq 'aaa'", 2_100);
    check("PurchaseOrder gt null", 0);
    check("null eq null", 2_100);
    check("startswith(null,'a')", 0);
    check(
        "guid'123e4567-e89b-12d3-a456-426614174000' eq guid'123E4567-E89B-12D3-A456-426614174000'",
        2_100,
    );
    check("X'0aFF' eq binary'0AFF' and binary'' lt X'00'", 2_100);
    check(
        "datetimeoffset'2025-01-01T01:00:00+01:00' eq datetimeoffset'2025-01-01T00:00:00Z'",
        2_100,
    );
    check(
        "hour(datetimeoffset'2025-01-01T01:30:05+01:00') eq 0 and minute(time'PT8H30M') eq 30 and second(datetime'2025-01-01T01:30:05') eq 5",
        2_100,
    );
    check("1.5d eq 1.5f and 5L eq 5", 2_100);
    check("PurchasingCompletenessStatus eq true", 1);
}

#[test]
fn items_that_pass() {
    let check = |filter: &str, expected: usize| {
        assert_eq!(
            matching("I_PurchaseOrderItem", filter),
            Ok(expected),
            "{filter}"
        );
    };
    check("PurchaseOrder eq '4500000520'", 7);
    check("PurchaseOrder eq '4500000520' and NetPriceAmount gt 100", 2);
    check(
        "PurchaseOrder ge '4500002082' and IsCompletelyDelivered eq false and IsFinallyInvoiced eq false",
        301,
    );
    check("IsReturnsItem eq true", 1);
    check("PurchasingDocumentDeletionCode eq 'L'", 3);
    check("NetPriceQuantity eq 100L", 2);
    check("PurchaseOrderItemText eq 'שלדת אופני הרים'", 1);
    check(
        "CreationTime ge time'PT00H' and PurchaseOrder eq '4500000520'",
        7,
    );
}

#[test]
fn refusals_name_what_is_wrong() {
    let check = |filter: &str, expected: &str| {
        let error = matching("C_PurchaseOrderFs", filter)
            .expect_err(filter)
            .to_string();
        assert_eq!(error, expected, "{filter}");
    };
    check("", "Expected an operand at position 0 of $filter");
    check(
        "PurchaseOrder eq",
        "Expected an operand at position 16 of $filter",
    );
    check("PurchaseOrder", "$filter needs Edm.Boolean, not Edm.String");
    check(
        "Colour eq 'red'",
        "Property Colour not found in type C_PurchaseOrderFsType",
    );
    check(
        "purchaseorder eq '1'",
        "Property purchaseorder not found in type C_PurchaseOrderFsType",
    );
    check(
        "PurchaseOrder eq 4500000520",
        "Invalid comparison at position 14 of $filter: Edm.String with integer",
    );
    check(
        "PurchaseOrderDate ge '2025-08-01'",
        "Invalid comparison at position 18 of $filter: Edm.DateTime with Edm.String",
    );
    check(
        "PurchaseOrderDate ge datetime'2025-08-01'",
        "Invalid literal datetime'2025-08-01' at position 21 of $filter",
    );
    check(
        "PurchaseOrder eq 'a",
        "Unterminated string literal at position 17",
    );
    check(
        "PurchaseOrder eq 'a' 'b'",
        "Unexpected text at position 21 of $filter",
    );
    check(
        "(PurchaseOrder eq 'a'",
        "Expected ')' at position 21 of $filter",
    );
    check(
        "PurchaseOrder eq \"a\"",
        "Invalid character '\"' at position 17 of $filter",
    );
    check(
        "PurchaseOrder and Supplier",
        "'and' needs Edm.Boolean, not Edm.String",
    );
    check("not Supplier", "'not' needs Edm.Boolean, not Edm.String");
    check(
        "startswith(Supplier)",
        "Function startswith takes 2 arguments",
    );
    check(
        "startswith(Supplier,1)",
        "Function startswith takes Edm.String, not integer",
    );
    check(
        "PurchaseOrderNetAmount gt 1.2.3",
        "Invalid number '1.2.3' at position 26 of $filter",
    );
    check(
        "contains(Supplier,'a')",
        "the SAP emulator does not implement function contains in $filter",
    );
    check(
        "cast(Supplier,'Edm.Int32') eq 1",
        "the SAP emulator does not implement function cast in $filter",
    );
    check("Supplier add 1 gt 2", "'add' needs numbers, not Edm.String");
    check("1 mul Supplier eq 1", "'mul' needs numbers, not Edm.String");
    check("-Supplier eq 1", "'-' needs numbers, not Edm.String");
    check(
        "substring(Supplier,1.5) eq 'a'",
        "Function substring takes integer, not number",
    );
    check(
        "hour(Supplier) eq 1",
        "Function hour takes Edm.Time, not Edm.String",
    );
    check(
        "to_Supplier/Country eq 'US'",
        "the SAP emulator does not implement navigation path to_Supplier/Country in $filter",
    );
    check(
        "Supplier eq guid'x'",
        "Invalid literal guid'x' at position 12 of $filter",
    );
    check(
        "Supplier eq guid'123e4567-e89b-12d3-a456-426614174000'",
        "Invalid comparison at position 9 of $filter: Edm.String with Edm.Guid",
    );
    check(
        "X'0g' eq binary'00'",
        "Invalid literal X'0g' at position 0 of $filter",
    );
    let chained = format!("true{}", " eq true".repeat(66));
    check(&chained, "$filter is nested more than 64 levels deep");
    let minus = format!("{}1 eq 1", "-".repeat(100));
    check(&minus, "$filter is nested more than 64 levels deep");
    let deep = format!("{}true{}", "(".repeat(1_000), ")".repeat(1_000));
    check(&deep, "$filter is nested more than 64 levels deep");
}

#[test]
fn measures_cannot_be_filtered() {
    for filter in [
        "OpenPurchaseOrderQuantity gt 0",
        "round(RoughGoodsReceiptQty) eq 1",
        "ID eq 'x'",
    ] {
        let error = matching("I_PurchaseOrderScheduleLine", filter).expect_err(filter);
        assert!(
            matches!(error, ODataError::NotFilterable { .. }),
            "{filter}: {error}"
        );
    }
}

#[test]
fn a_long_or_chain_is_no_deep_recursion() {
    let filter = vec!["PurchaseOrder eq '4500000520'"; 5_000].join(" or ");
    assert_eq!(matching("I_PurchaseOrder", &filter), Ok(1));
    let sum = format!(
        "PurchaseOrder eq '4500000520' and 0{} eq 5000",
        " add 1".repeat(5_000)
    );
    assert_eq!(matching("I_PurchaseOrder", &sum), Ok(1));
}

#[test]
fn the_order_number_is_found_for_the_index() {
    let check = |filter: &str, expected: Option<&str>| {
        let set = SERVICES[0].set("I_PurchaseOrderItem").unwrap();
        assert_eq!(
            Filter::parse(filter, set)
                .unwrap()
                .required_text("PurchaseOrder"),
            expected,
            "{filter}"
        );
    };
    check("PurchaseOrder eq '1'", Some("1"));
    check("IsReturnsItem eq true and '1' eq PurchaseOrder", Some("1"));
    check("PurchaseOrder eq '1' or PurchaseOrder eq '2'", None);
    check("not (PurchaseOrder eq '1')", None);
    check("PurchaseOrder ne '1'", None);
}
