//! Observations: the one table that traces and experiments are views of.

mod read;

use rusqlite::{Connection, params_from_iter, types::Value as SqlValue};
use serde_json::{Map, Value};

use super::{
    http::ApiError,
    mapping::Experiment,
    sql::{json_text, placeholders},
    timestamp::Timestamp,
};

pub(super) use read::list;

/// One span as Langfuse sees it.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    pub(super) trace_id: String,
    pub(super) id: String,
    pub(super) parent_id: Option<String>,
    /// Without a parent, or marked as the root of its application.
    pub(super) is_root: bool,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) level: &'static str,
    pub(super) status_message: Option<String>,
    pub(super) environment: String,
    pub(super) version: Option<String>,
    pub(super) release: Option<String>,
    pub(super) start_time: Timestamp,
    pub(super) end_time: Timestamp,
    pub(super) completion_start_time: Option<Timestamp>,
    /// The text that was sent; JSON stays text.
    pub(super) input: Option<String>,
    pub(super) output: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) model: Option<String>,
    pub(super) model_parameters: Option<Value>,
    pub(super) usage_details: Option<Value>,
    pub(super) cost_details: Option<Value>,
    /// USD.
    pub(super) total_cost: Option<f64>,
    pub(super) prompt_name: Option<String>,
    pub(super) prompt_version: Option<i64>,
    pub(super) trace_name: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) session_id: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) public: bool,
    pub(super) trace_metadata: Option<Value>,
    pub(super) trace_input: Option<String>,
    pub(super) trace_output: Option<String>,
    pub(super) experiment: Experiment,
}

impl Observation {
    /// Every column with its value, so that no list of names and list of values can drift apart.
    fn columns(&self, now: Timestamp) -> Vec<(&'static str, SqlValue)> {
        let time = |time: Option<Timestamp>| time.map(Timestamp::millis).into();
        let experiment = &self.experiment;
        vec![
            ("trace_id", self.trace_id.clone().into()),
            ("id", self.id.clone().into()),
            ("parent_id", self.parent_id.clone().into()),
            ("is_root", self.is_root.into()),
            ("type", self.kind.to_owned().into()),
            ("name", self.name.clone().into()),
            ("level", self.level.to_owned().into()),
            ("status_message", self.status_message.clone().into()),
            ("environment", self.environment.clone().into()),
            ("version", self.version.clone().into()),
            ("release", self.release.clone().into()),
            ("start_time", self.start_time.into()),
            ("end_time", self.end_time.into()),
            ("completion_start_time", time(self.completion_start_time)),
            ("input", self.input.clone().into()),
            ("output", self.output.clone().into()),
            (
                "metadata",
                Value::Object(self.metadata.clone()).to_string().into(),
            ),
            ("model", self.model.clone().into()),
            (
                "model_parameters",
                json_text(self.model_parameters.as_ref()),
            ),
            ("usage_details", json_text(self.usage_details.as_ref())),
            ("cost_details", json_text(self.cost_details.as_ref())),
            ("total_cost", self.total_cost.into()),
            ("prompt_name", self.prompt_name.clone().into()),
            ("prompt_version", self.prompt_version.into()),
            ("trace_name", self.trace_name.clone().into()),
            ("user_id", self.user_id.clone().into()),
            ("session_id", self.session_id.clone().into()),
            ("tags", Value::from(self.tags.clone()).to_string().into()),
            ("public", self.public.into()),
            ("trace_metadata", json_text(self.trace_metadata.as_ref())),
            ("trace_input", self.trace_input.clone().into()),
            ("trace_output", self.trace_output.clone().into()),
            ("experiment_id", experiment.id.clone().into()),
            ("experiment_name", experiment.name.clone().into()),
            (
                "experiment_description",
                experiment.description.clone().into(),
            ),
            (
                "experiment_dataset_id",
                experiment.dataset_id.clone().into(),
            ),
            (
                "experiment_metadata",
                json_text(experiment.metadata.as_ref()),
            ),
            ("experiment_item_id", experiment.item_id.clone().into()),
            ("experiment_item_version", time(experiment.item_version)),
            (
                "experiment_item_expected_output",
                experiment.item_expected_output.clone().into(),
            ),
            (
                "experiment_item_metadata",
                json_text(experiment.item_metadata.as_ref()),
            ),
            (
                "experiment_item_root_id",
                experiment.item_root_id.clone().into(),
            ),
            ("created_at", now.into()),
            ("updated_at", now.into()),
        ]
    }
}

/// Keeps observations in the order given: of two with the same ids the later one stays.
pub(super) fn save(
    connection: &Connection,
    observations: &[Observation],
    now: Timestamp,
) -> Result<(), ApiError> {
    let Some(first) = observations.first() else {
        return Ok(());
    };
    let names: Vec<&str> = first
        .columns(now)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let updates: Vec<String> = names
        .iter()
        .filter(|name| !["trace_id", "id", "created_at"].contains(name))
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let mut statement = connection.prepare(&format!(
        "INSERT INTO observations ({}) VALUES ({}) ON CONFLICT (trace_id, id) DO UPDATE SET {}",
        names.join(", "),
        placeholders(names.len()),
        updates.join(", "),
    ))?;
    for observation in observations {
        let values = observation.columns(now).into_iter().map(|(_, value)| value);
        statement.execute(params_from_iter(values))?;
    }
    Ok(())
}
