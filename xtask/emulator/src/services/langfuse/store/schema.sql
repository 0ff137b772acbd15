-- One file holds one project. Times are milliseconds since the epoch; JSON is text.
CREATE TABLE datasets (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT,
  metadata TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Every write of an item is a row; the one without `valid_to` is current, a deleted item has none.
CREATE TABLE dataset_item_versions (
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  dataset_id TEXT NOT NULL REFERENCES datasets(id),
  status TEXT NOT NULL,
  input TEXT,
  expected_output TEXT,
  metadata TEXT,
  source_trace_id TEXT,
  source_observation_id TEXT,
  created_at INTEGER NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER
) STRICT;
CREATE UNIQUE INDEX dataset_items_current ON dataset_item_versions(id) WHERE valid_to IS NULL;
CREATE INDEX dataset_items_listed ON dataset_item_versions(dataset_id, created_at DESC, id);

-- Runs and their items exist for the older SDKs; experiments are read from observations.
CREATE TABLE runs (
  id TEXT PRIMARY KEY,
  dataset_id TEXT NOT NULL REFERENCES datasets(id),
  name TEXT NOT NULL,
  description TEXT,
  metadata TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (dataset_id, name)
) STRICT;
CREATE TABLE run_items (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  dataset_item_id TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  observation_id TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX run_items_of_run ON run_items(run_id, created_at DESC, id);

-- Traces and experiments are views over this table. Sending a span again replaces its row.
CREATE TABLE observations (
  trace_id TEXT NOT NULL,
  id TEXT NOT NULL,
  parent_id TEXT,
  is_root INTEGER NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  level TEXT NOT NULL,
  status_message TEXT,
  environment TEXT NOT NULL,
  version TEXT,
  release TEXT,
  start_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  completion_start_time INTEGER,
  model TEXT,
  model_parameters TEXT,
  usage_details TEXT,
  cost_details TEXT,
  total_cost REAL,
  prompt_name TEXT,
  prompt_version INTEGER,
  trace_name TEXT,
  user_id TEXT,
  session_id TEXT,
  tags TEXT NOT NULL,
  public INTEGER NOT NULL,
  experiment_id TEXT,
  experiment_name TEXT,
  experiment_description TEXT,
  experiment_dataset_id TEXT,
  experiment_metadata TEXT,
  experiment_item_id TEXT,
  experiment_item_version INTEGER,
  experiment_item_metadata TEXT,
  experiment_item_root_id TEXT,
  -- The item's canonical observation; its other spans carry the same attributes.
  is_experiment_item INTEGER NOT NULL AS
    (experiment_id IS NOT NULL AND experiment_item_id IS NOT NULL AND experiment_item_root_id IS id),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- Last, so that reading the columns before them follows no overflow pages.
  input TEXT,
  output TEXT,
  metadata TEXT NOT NULL,
  trace_metadata TEXT,
  trace_input TEXT,
  trace_output TEXT,
  experiment_item_expected_output TEXT,
  PRIMARY KEY (trace_id, id)
) STRICT;
CREATE INDEX observations_by_time ON observations(start_time DESC, trace_id, id);
CREATE INDEX observations_by_session ON observations(session_id) WHERE session_id IS NOT NULL;
CREATE INDEX observations_by_experiment ON observations(experiment_id, experiment_item_id)
  WHERE experiment_id IS NOT NULL;
CREATE INDEX experiment_items_by_time ON observations(start_time DESC, trace_id, id)
  WHERE is_experiment_item;

CREATE VIEW traces AS
SELECT
  trace_id AS id,
  min(start_time) AS timestamp,
  coalesce(max(trace_name), max(CASE WHEN is_root THEN name END)) AS name,
  max(user_id) AS user_id,
  max(session_id) AS session_id,
  max(version) AS version,
  max(release) AS release,
  coalesce(max(CASE WHEN parent_id IS NULL THEN environment END), max(environment)) AS environment
FROM observations
GROUP BY trace_id;

CREATE TABLE scores (
  id TEXT PRIMARY KEY,
  trace_id TEXT,
  observation_id TEXT,
  session_id TEXT,
  experiment_id TEXT,
  name TEXT NOT NULL,
  data_type TEXT NOT NULL,
  number REAL,
  string TEXT,
  source TEXT NOT NULL,
  comment TEXT,
  metadata TEXT,
  environment TEXT NOT NULL,
  queue_id TEXT,
  timestamp INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX scores_by_time ON scores(timestamp DESC, id);
CREATE INDEX scores_by_trace ON scores(trace_id, observation_id) WHERE trace_id IS NOT NULL;
CREATE INDEX scores_by_session ON scores(session_id) WHERE session_id IS NOT NULL;
CREATE INDEX scores_by_experiment ON scores(experiment_id) WHERE experiment_id IS NOT NULL;
