use super::*;
use crate::gateway::troubleshooting::Symptom;

fn row(check: &'static str, outcome: Outcome, seen: &str, symptom: Option<Symptom>) -> Row {
    Row {
        check,
        outcome,
        latency_ms: 12.34,
        seen: seen.to_owned(),
        hop: symptom.map(Symptom::hop),
        symptom,
        next_step: symptom.map(Symptom::step),
    }
}

#[test]
fn a_skipped_row_is_never_green() {
    let check = |outcomes: &[Outcome], expected: Exit| {
        let rows: Vec<Row> = outcomes
            .iter()
            .map(|outcome| row("c", *outcome, "", None))
            .collect();
        assert_eq!(verdict(&rows), expected, "{outcomes:?}");
    };
    check(&[Outcome::Pass, Outcome::Pass], Exit::Done);
    check(&[Outcome::Pass, Outcome::Skipped], Exit::Inconclusive);
    check(
        &[Outcome::Skipped, Outcome::Fail, Outcome::Pass],
        Exit::Gate,
    );
}

#[test]
fn the_report_names_the_first_broken_hop() {
    let rows = [
        row(
            "a token from the token endpoint",
            Outcome::Pass,
            "flywheel-agent, flywheel-gateway/invoke, for 3600 s",
            None,
        ),
        row(
            "refused with a changed token",
            Outcome::Skipped,
            "the token is no JWT, so there is nothing to change in it",
            None,
        ),
        row(
            "an MCP session opens",
            Outcome::Fail,
            "open an MCP session: no answer within 20 s",
            Some(Symptom::GatewaySilent),
        ),
        row(
            "a call gives the expected data",
            Outcome::Fail,
            "/status is nothing, expected \"ok\"",
            Some(Symptom::DataDiffer),
        ),
    ];
    insta::assert_snapshot!(report(&rows));
}

#[test]
fn tools_in_a_table() {
    let tool = |name: &str, description: &str, schema: Value| Tool {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: schema,
    };
    let tools = [
        tool(
            "sap___get_complete_po_data",
            "Reads one purchase order (PO) from SAP in full: the header, every item and a summary with the number of items, total quantity and total net amount. Use it for one order.",
            json!({"type": "object", "properties": {"po_number": {"type": "string"}}, "required": ["po_number"]}),
        ),
        tool(
            "sap___list_purchase_orders",
            "Lists orders.",
            json!({"type": "object"}),
        ),
    ];
    insta::assert_snapshot!(tools_table(&tools));
}
