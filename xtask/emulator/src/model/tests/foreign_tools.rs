//! Tools that have nothing to do with purchasing: nothing the models do may depend on SAP's.

use serde_json::{Value, json};

use super::{
    flawless,
    shop::{Talk, converse, request},
};
use crate::model::Tool;

fn tools() -> Vec<Tool> {
    let tool = |name: &str, description: &str, schema: Value| Tool {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: schema,
    };
    vec![
        tool(
            "get_weather",
            "Current weather of a city: temperature, humidity, wind.",
            json!({"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "Name of the city."}}}),
        ),
        tool(
            "helpdesk___find_ticket",
            "Looks up one support ticket by its number.",
            json!({"type": "object", "required": ["ticket_number"], "properties": {
            "ticket_number": {"type": "string", "description": "Number of the ticket, 5 digits."}}}),
        ),
        tool(
            "list_flights",
            "Lists flights between two dates.",
            json!({"type": "object", "required": ["date_from"], "properties": {
            "date_from": {"type": "string", "description": "First day, YYYY-MM-DD."},
            "date_to": {"type": "string", "description": "Last day, YYYY-MM-DD."},
            "limit": {"type": "integer", "description": "Most rows, 1 to 20."},
            "direct_only": {"type": "boolean", "description": "Without a change."}}}),
        ),
    ]
}

fn run(name: &str, input: &Value) -> Value {
    match name {
        "get_weather" => {
            json!({"city": input["city"], "temperature_celsius": "21", "humidity_percent": 40, "wind": {"speed_kmh": 12}})
        }
        "helpdesk___find_ticket" if input["ticket_number"] == "31337" => {
            json!({"TicketNumber": "31337", "Assignee": "Noa Levi", "CreatedOn": "2024-05-06", "Priority": "high"})
        }
        "helpdesk___find_ticket" => json!({"status": "not_found"}),
        _ => {
            json!({"flights": [{"flight": "LY-008", "date": "2024-05-07", "airline": "El Al"}], "count": 1})
        }
    }
}

fn ask(question: &str) -> Talk {
    converse(
        &flawless(),
        request(
            "You are a helpful assistant. Answer in the language of the question.",
            question,
            tools(),
        ),
        run,
    )
}

fn check(question: &str, calls: &[(&str, Value)], facts: &[&str]) {
    let talk = ask(question);
    let called: Vec<(&str, Value)> = talk
        .calls
        .iter()
        .map(|(name, input)| (name.as_str(), input.clone()))
        .collect();
    assert_eq!(called, calls, "{question} -> {}", talk.answer);
    assert!(
        !talk.answer.to_lowercase().contains("purchase"),
        "{question} -> {}",
        talk.answer
    );
    for fact in facts {
        assert!(
            talk.answer.contains(fact),
            "{question} -> {} lacks {fact}",
            talk.answer
        );
    }
}

#[test]
fn tools_are_chosen_and_filled_by_their_schemas() {
    check(
        "What is the temperature in New York?",
        &[("get_weather", json!({"city": "New York"}))],
        &["21", "New York"],
    );
    check(
        "Wie ist die Temperatur in Berlin?",
        &[("get_weather", json!({"city": "Berlin"}))],
        &["21"],
    );
    check(
        "What is the weather in Berlin?",
        &[("get_weather", json!({"city": "Berlin"}))],
        &["21", "40"],
    );
    check(
        "Who is the assignee of ticket 31337?",
        &[("helpdesk___find_ticket", json!({"ticket_number": "31337"}))],
        &["Noa Levi"],
    );
    check(
        "When was ticket 31337 created?",
        &[("helpdesk___find_ticket", json!({"ticket_number": "31337"}))],
        &["6 May 2024"],
    );
    check(
        "What is the priority of ticket 99999?",
        &[("helpdesk___find_ticket", json!({"ticket_number": "99999"}))],
        &["99999", "Nothing was found"],
    );
    check(
        "List the direct flights from 2024-05-07 to 2024-05-09",
        &[(
            "list_flights",
            json!({"date_from": "2024-05-07", "date_to": "2024-05-09", "direct_only": true}),
        )],
        &["LY-008"],
    );
}

#[test]
fn what_is_missing_is_asked_for() {
    check("What is the status of my ticket?", &[], &["number"]);
    check("How warm is it?", &[], &[]);
}
