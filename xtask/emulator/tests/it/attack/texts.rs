//! Texts in every text argument of every tool.

use std::{collections::BTreeSet, time::Instant};

use serde_json::{Map, Value, json};

use super::{Target, assert_none, leaks, query::Known, root, run, shown, strings};

/// A text argument of a tool, and the other arguments without which the tool would not run.
struct Place {
    tool: String,
    argument: String,
    others: Map<String, Value>,
}

/// All text arguments of the schema that the gateway is given.
fn places() -> Vec<Place> {
    let file = std::fs::read(root().join("terraform/sap_tools.json")).unwrap();
    let tools: Value = serde_json::from_slice(&file).unwrap();
    let mut places = Vec::new();
    for tool in tools.as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        let schema = &tool["inputSchema"];
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap())
            .collect();
        for (argument, property) in schema["properties"].as_object().into_iter().flatten() {
            if property["type"] != "string" {
                continue;
            }
            let others = required.iter().filter(|other| **other != argument);
            places.push(Place {
                tool: name.to_owned(),
                argument: argument.clone(),
                others: others
                    .map(|other| ((*other).to_owned(), json!(harmless(other))))
                    .collect(),
            });
        }
    }
    places
}

fn harmless(argument: &str) -> &'static str {
    match argument {
        "po_number" => "4500000520",
        "search_term" => "bike",
        other => panic!("a required argument {other} that this test has no value for"),
    }
}

/// What is wrong with an answer.
fn objection(place: &Place, text: &str, answer: &Value, data: &str) -> Option<String> {
    match answer["status"].as_str() {
        // It got no further than the function.
        Some("invalid_argument")
            if answer["argument"] == place.argument || answer["argument"] == "arguments" =>
        {
            None
        }
        // SAP looked for it and has nothing of that name.
        Some("not_found") => None,
        // There is something of that name: a quote in a supplier's name, say.
        Some("ok") if data.contains(&visible(text)) => None,
        Some("ok") if answer["returned"] == 0 => None,
        _ => Some(answer.to_string()),
    }
}

/// A text without what cannot be seen: it is another spelling of what is left.
fn visible(text: &str) -> String {
    let is_mark = |c: char| matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let visible: String = text.chars().filter(|c| !is_mark(*c)).collect();
    visible.trim().to_lowercase()
}

/// What can be searched in: numbers, names and texts of all orders, in lower case.
async fn searchable(target: &Target) -> String {
    let sap = &target.test.context().world.sap;
    let service = format!(
        "{}/sap/opu/odata/sap/C_PURCHASEORDER_FS_SRV",
        target.test.url()
    );
    let mut data = String::new();
    for (set, fields) in [
        ("C_PurchaseOrderFs", "PurchaseOrder,Supplier,SupplierName"),
        ("I_PurchaseOrderItem", "Material,PurchaseOrderItemText"),
    ] {
        let mut seen = 0;
        loop {
            let rows: Value = target
                .http
                .get(format!(
                    "{service}/{set}?$select={fields}&$skip={seen}&$top=1000&$format=json"
                ))
                .basic_auth(&sap.username, Some(&sap.password))
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            let rows = rows["d"]["results"].as_array().unwrap();
            if rows.is_empty() {
                break;
            }
            seen += rows.len();
            for value in rows
                .iter()
                .flat_map(|row| row.as_object().unwrap().values())
            {
                data.push_str(value.as_str().unwrap_or_default());
                data.push('\n');
            }
        }
    }
    data.to_lowercase()
}

#[tokio::test]
async fn no_text_gets_out_of_its_literal() {
    let target = Target::start().await;
    let known = Known::of(&target).await;
    let pids = target.works().await;
    let texts = strings::all();
    let distinct: BTreeSet<&String> = texts.iter().collect();
    assert!(distinct.len() >= 200, "{} texts", distinct.len());
    let places = places();
    let secrets = target.secrets();
    let data = searchable(&target).await;
    let since = target.last_request();
    let start = Instant::now();

    let attacks = places
        .iter()
        .flat_map(|place| distinct.iter().map(move |text| (place, *text)));
    let problems = run(attacks, async |(place, text)| {
        let mut arguments = place.others.clone();
        arguments.insert(place.argument.clone(), json!(text));
        let answer = target.answer(&place.tool, Value::Object(arguments)).await;
        let told = leaks(&secrets, text, &answer.to_string());
        let objection = if told.is_empty() {
            objection(place, text, &answer, &data)
        } else {
            Some(format!("tells {told:?}: {answer}"))
        };
        objection.map(|why| format!("{}.{} {}: {why}", place.tool, place.argument, shown(text)))
    })
    .await;
    assert_none("texts did something", &problems);

    let asked = target.asked_of_sap(since);
    let objections: Vec<String> = asked
        .iter()
        .filter_map(|request| known.objection(request))
        .collect();
    assert_none("requests to SAP that nobody meant", &objections);
    assert!(
        asked.iter().all(|request| request.correlation_id.is_some()),
        "a request does not say which invocation it is of"
    );
    let logs = target.logs();
    assert_eq!(leaks(&secrets[..4], "", &logs), Vec::<&str>::new());
    let logged: Vec<_> = texts
        .iter()
        .filter(|text| text.chars().count() > 12 && logs.contains(text.as_str()))
        .collect();
    assert!(logged.is_empty(), "arguments are in the log: {logged:?}");
    assert!(target.works().await.is_superset(&pids), "a process ended");
    eprint_figures(places.len(), distinct.len(), asked.len(), start);
}

#[expect(
    clippy::print_stderr,
    reason = "figures for whoever asks with --nocapture"
)]
fn eprint_figures(places: usize, texts: usize, asked: usize, start: Instant) {
    eprintln!(
        "{texts} texts in {places} arguments: {} calls, {asked} requests to SAP, {:.1} s",
        places * texts,
        start.elapsed().as_secs_f64()
    );
}
