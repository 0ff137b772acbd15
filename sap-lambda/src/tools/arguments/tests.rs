use serde_json::json;

use super::*;

fn arguments(value: Value) -> Arguments {
    Arguments::new(json!({ "a": value }), &json!({"properties": {"a": {}}})).unwrap()
}

fn shown<T: ToString>(result: Result<T, ToolError>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(ToolError::InvalidArgument { argument, .. }) => format!("invalid {argument}"),
        Err(other) => other.to_string(),
    }
}

#[test]
fn po_numbers() {
    for (value, expected) in [
        (json!("4500000520"), "4500000520"),
        (json!(" 4500000520 "), "4500000520"),
        (json!("\u{200F}4500000520\u{200E}\n"), "4500000520"),
        (json!("00000520"), "0000000520"),
        (json!("520"), "0000000520"),
        (json!(4_500_000_520_u64), "4500000520"),
        (json!("PO 4500000520"), "invalid a"),
        (json!("4500000520, 4500000521"), "invalid a"),
        (json!("04500000520"), "invalid a"),
        (json!("4500000520' or 1 eq 1"), "invalid a"),
        (json!("٤٥٠"), "invalid a"),
        (json!("0"), "invalid a"),
        (json!("4500-520"), "invalid a"),
        (json!(""), "invalid a"),
        (json!(4.5), "invalid a"),
        (json!(["4500000520"]), "invalid a"),
        (Value::Null, "invalid a"),
    ] {
        assert_eq!(
            shown(arguments(value.clone()).po_number("a")),
            expected,
            "{value}"
        );
    }
}

#[test]
fn integers() {
    for (value, expected) in [
        (json!(1), "1"),
        (json!(50), "50"),
        (json!(20.0), "20"),
        (json!("20"), "20"),
        (Value::Null, "10"),
        (json!(0), "invalid a"),
        (json!(51), "invalid a"),
        (json!(-1), "invalid a"),
        (json!(20.5), "invalid a"),
        (json!(1e300), "invalid a"),
        (json!("abc"), "invalid a"),
        (json!(true), "invalid a"),
    ] {
        assert_eq!(
            shown(arguments(value.clone()).integer("a", 1..=50, 10)),
            expected,
            "{value}"
        );
    }
}

#[test]
fn booleans() {
    for (value, expected) in [
        (json!(true), "true"),
        (json!(false), "false"),
        (json!("false"), "false"),
        (json!(" True "), "true"),
        (Value::Null, "true"),
        (json!(0), "invalid a"),
        (json!("yes"), "invalid a"),
        (json!(""), "invalid a"),
        (json!([true]), "invalid a"),
    ] {
        assert_eq!(
            shown(arguments(value.clone()).boolean("a", true)),
            expected,
            "{value}"
        );
    }
}

fn found<T: ToString>(result: Result<Option<T>, ToolError>) -> String {
    shown(result.map(|value| value.map_or("absent".to_owned(), |value| value.to_string())))
}

#[test]
fn dates() {
    for (value, expected) in [
        (json!("2025-08-01"), "2025-08-01"),
        (json!(" 2024-02-29\u{200F}"), "2024-02-29"),
        (Value::Null, "absent"),
        (json!("2025-02-29"), "invalid a"),
        (json!("2025-8-1"), "invalid a"),
        (json!("01.08.2025"), "invalid a"),
        (json!("2025-08-01T00:00:00"), "invalid a"),
        (json!("2025-08-01' or 1 eq 1"), "invalid a"),
        (json!("0001-01-01"), "invalid a"),
        (json!("+202-08-01"), "invalid a"),
        (json!("٢٠٢٥-08-01"), "invalid a"),
        (json!(20_250_801), "invalid a"),
        (json!(""), "invalid a"),
    ] {
        assert_eq!(
            found(arguments(value.clone()).date("a")),
            expected,
            "{value}"
        );
    }
}

#[test]
fn codes() {
    type Read = fn(&Arguments) -> Result<Option<String>, ToolError>;
    let material: Read = |arguments| arguments.material_number("a");
    let supplier: Read = |arguments| arguments.supplier("a");
    let plant: Read = |arguments| arguments.plant("a");
    for (read, value, expected) in [
        (material, json!("mz-rm-c990-01"), "MZ-RM-C990-01"),
        (material, json!(" 100-100 "), "100-100"),
        (material, json!(4711), "4711"),
        (material, Value::Null, "absent"),
        (material, json!("x".repeat(40)), "X".repeat(40).as_str()),
        (material, json!("x".repeat(41)), "invalid a"),
        (material, json!("MZ-*"), "invalid a"),
        (material, json!("A' or Plant ne 'x"), "invalid a"),
        (material, json!("A B"), "invalid a"),
        (material, json!("../A"), "invalid a"),
        (material, json!("Räder"), "invalid a"),
        (material, json!(""), "invalid a"),
        (supplier, json!("ussu-vsf08"), "USSU-VSF08"),
        (supplier, json!(17_300_001), "17300001"),
        (supplier, json!("USSU-VSF08-1"), "invalid a"),
        (supplier, json!("O'NEILL"), "invalid a"),
        (plant, json!(1710), "1710"),
        (plant, json!("us01"), "US01"),
        (plant, json!("17100"), "invalid a"),
        (plant, json!("17-1"), "invalid a"),
    ] {
        assert_eq!(found(read(&arguments(value.clone()))), expected, "{value}");
    }
}

#[test]
fn choices() {
    let choices = [("active", 1), ("on_hold", 2)];
    for (value, expected) in [
        (json!("On_Hold "), "2"),
        (json!("active"), "1"),
        (Value::Null, "absent"),
        (json!("on hold"), "invalid a"),
        (json!(1), "invalid a"),
        (json!(""), "invalid a"),
    ] {
        let chosen = arguments(value.clone()).choice("a", &choices);
        assert_eq!(
            found(chosen.map(|chosen| chosen.map(|(_, value)| value))),
            expected,
            "{value}"
        );
    }
}

#[test]
fn texts() {
    for (value, expected) in [
        (json!("  O'Brien & Sons "), "O'Brien & Sons"),
        (json!(17_300_001), "17300001"),
        (json!("   "), "invalid a"),
        (json!("a\u{0}b"), "invalid a"),
        (json!("x".repeat(41)), "invalid a"),
        (json!({"eq": "x"}), "invalid a"),
        (Value::Null, "invalid a"),
    ] {
        assert_eq!(
            shown(arguments(value.clone()).required_text("a", 40)),
            expected,
            "{value}"
        );
    }
}

#[test]
fn unknown_arguments_are_named() {
    let schema = json!({"properties": {"po_number": {}}});
    assert_eq!(
        shown(Arguments::new(json!({"po": 1}), &schema).map(|_| "ok")),
        "invalid po"
    );
    assert_eq!(
        shown(Arguments::new(json!([]), &schema).map(|_| "ok")),
        "invalid arguments"
    );
}
