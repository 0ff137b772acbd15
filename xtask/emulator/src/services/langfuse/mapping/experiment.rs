//! Experiment attributes: they alone make a span part of an experiment.

use serde_json::Value;

use super::{Sender, attributes::text, metadata};
use crate::services::langfuse::{otlp::Attributes, timestamp::Timestamp};

/// What a span says about the experiment it ran in; all empty outside of one.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in super::super) struct Experiment {
    pub(in super::super) id: Option<String>,
    pub(in super::super) name: Option<String>,
    pub(in super::super) description: Option<String>,
    /// Absent when the items did not come from a dataset.
    pub(in super::super) dataset_id: Option<String>,
    pub(in super::super) metadata: Option<Value>,
    pub(in super::super) item_id: Option<String>,
    pub(in super::super) item_version: Option<Timestamp>,
    pub(in super::super) item_expected_output: Option<String>,
    pub(in super::super) item_metadata: Option<Value>,
    /// The span that stands for the item; an item row is the span whose own id this is.
    pub(in super::super) item_root_id: Option<String>,
}

pub(super) fn extract(attributes: &Attributes, sender: &Sender) -> Experiment {
    let get = |name: &str| text(attributes, &[&format!("langfuse.experiment.{name}")]);
    let object = |name: &str| {
        let metadata = metadata::under(attributes, &format!("langfuse.experiment.{name}"), sender);
        (!metadata.is_empty()).then_some(Value::Object(metadata))
    };
    Experiment {
        id: get("id"),
        name: get("name"),
        description: get("description"),
        dataset_id: get("dataset.id"),
        metadata: object("metadata"),
        item_id: get("item.id"),
        item_version: get("item.version").and_then(|version| Timestamp::parse(&version)),
        item_expected_output: get("item.expected_output"),
        item_metadata: object("item.metadata"),
        item_root_id: get("item.root_observation_id"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_become_members_and_unfit_ones_are_dropped() {
        let Value::Object(attributes) = json!({
            "langfuse.experiment.id": "e",
            "langfuse.experiment.name": "",
            "langfuse.experiment.dataset.id": "d",
            "langfuse.experiment.metadata": "{\"a\":1}",
            "langfuse.experiment.metadata.b": "2",
            "langfuse.experiment.item.id": "i",
            "langfuse.experiment.item.version": "yesterday",
            "langfuse.experiment.item.expected_output": "\"x\"",
            "langfuse.experiment.item.metadata": "[1]",
            "langfuse.experiment.item.root_observation_id": "r",
        }) else {
            panic!("an object")
        };
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(
            extract(
                &attributes,
                &Sender {
                    encodes_metadata: true
                }
            ),
            Experiment {
                id: text("e"),
                dataset_id: text("d"),
                metadata: Some(json!({"a": 1, "b": 2})),
                item_id: text("i"),
                item_expected_output: text("\"x\""),
                item_root_id: text("r"),
                ..Experiment::default()
            },
        );
        assert_eq!(
            extract(&Attributes::new(), &Sender::default()),
            Experiment::default()
        );
    }
}
