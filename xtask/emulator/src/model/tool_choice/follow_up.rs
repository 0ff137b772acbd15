//! Whether the results so far call for another call.

use serde_json::{Value, json};

use super::{Step, answers, worth_a_retry};
use crate::model::{
    answer,
    arguments::{self, Role},
    concept::Key,
    document::Row,
    profile::Chance,
    reading::Reading,
};

/// Most tool calls for one question.
const MOST_CALLS: usize = 6;

/// Words of fields that hold a document's number.
pub(crate) const ID_FIELDS: &str = "po number|purchase order number|order number|order id|=purchase order|document number|=po|=id|=number|ticket number|id";

/// Another call, or none when it is time to answer.
pub(crate) fn next(reading: &Reading<'_>, chance: &Chance<'_>) -> Option<Step> {
    if reading.calls.len() >= MOST_CALLS {
        return None;
    }
    let last = reading.calls.last()?;
    let stops_early = chance.happens("stops early", chance.profile.stops_early);
    if worth_a_retry(last) {
        let tries = reading
            .calls
            .iter()
            .filter(|call| call.tool == last.tool && call.input == last.input)
            .count();
        return (tries == 1 && !stops_early)
            .then(|| Step::Call(vec![(last.tool.clone(), last.input.clone())]));
    }
    let hits = reading
        .good_calls()
        .last()
        .filter(|call| !call.result.is_record())?;
    let table = hits.result.main_table()?;
    // Lists of other things hold what they were asked for; only a list of orders leaves their details out.
    let listed = hits.result.listed();
    if listed.is_some_and(|table| !answer::plain_orders(table)) {
        return None;
    }
    let chosen = answer::chosen_hit(reading, table)?;
    let searched = listed.is_none() || searches(reading, &hits.tool);
    let one_is_meant = [Key::Latest, Key::Oldest, Key::Highest, Key::Lowest]
        .into_iter()
        .any(|key| reading.asks(key));
    if !searched && !one_is_meant {
        return None;
    }
    let open_question = reading.asked.iter().any(|key| !answers(chosen, *key))
        || (reading.asked.is_empty() && searched);
    if !open_question || stops_early {
        return None;
    }
    details_call(reading, chosen)
}

/// Whether a tool looks for something, so that its only hit is what was meant.
fn searches(reading: &Reading<'_>, tool: &str) -> bool {
    reading.tool(tool).is_none_or(|tool| {
        arguments::parameters(tool)
            .iter()
            .any(|parameter| parameter.role == Role::SearchTerm && parameter.required)
    })
}

/// Calls the tool that wants a document's number with the number of the chosen row.
fn details_call(reading: &Reading<'_>, row: &Row) -> Option<Step> {
    let number = row.field(ID_FIELDS)?.text();
    let wants_only_a_number =
        |parameter: &arguments::Parameter| !parameter.required || parameter.role == Role::Number;
    reading.tools.iter().find_map(|tool| {
        let parameters = arguments::parameters(tool);
        let parameter = parameters
            .iter()
            .find(|parameter| parameter.required && parameter.role == Role::Number)?;
        let arguments = json!({ parameter.name.as_str(): number });
        let done = reading.calls.iter().any(|call| {
            call.tool == tool.name
                && call.input.get(&parameter.name).and_then(Value::as_str) == Some(number.as_str())
        });
        (parameters.iter().all(wants_only_a_number) && !done)
            .then(|| Step::Call(vec![(tool.name.clone(), arguments)]))
    })
}
