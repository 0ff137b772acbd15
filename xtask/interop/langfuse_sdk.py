"""The official Langfuse SDK reads what a study wrote and runs an experiment of its own.

Environment: LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY, DATASET_NAME, EXPERIMENT_NAME
(run name of one candidate) and, optional, DATASET_CASES (how many items the dataset must have).
Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import datetime
import hashlib
import json
import logging
import os
import uuid

from langfuse import Evaluation, Langfuse
from langfuse.api import UnauthorizedError
from checks import Failed, check, equal, required, run

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
# A name with a folder: the SDK sends the slash percent-encoded.
OWN_DATASET = "interop/capitals of the world"
# More than the 50 of one page.
OWN_ITEMS = 55
PAGE_SIZE = 20
# Items of the study whose whole trace is read.
TRACES = 20


def connect(public_key, secret_key):
    host = required("LANGFUSE_HOST")
    return Langfuse(base_url=host, public_key=public_key, secret_key=secret_key, timeout=30)


def stable_experiment_id(project_id, dataset_id, run_name):
    parts = ["langfuse-experiment-v1", project_id, dataset_id, run_name]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def all_pages(read):
    """Everything of a cursor list."""
    found, cursor = [], None
    while True:
        page = read(cursor)
        found += page.data
        cursor = page.meta.cursor
        if cursor is None:
            return found


def experiment(langfuse, **criteria):
    found = langfuse.api.experiments.list(
        from_start_time=LONG_AGO, fields="core,metadata,scores", **criteria
    ).data
    equal(f"one experiment has {criteria}", len(found), 1)
    return found[0]


def experiment_items(langfuse, experiment_id):
    return all_pages(
        lambda cursor: langfuse.api.experiments.list_items(
            from_start_time=LONG_AGO,
            experiment_id=experiment_id,
            fields="core,dataset,io,metadata,itemMetadata,experimentMetadata,scores",
            limit=PAGE_SIZE,
            cursor=cursor,
        )
    )


def read_study(langfuse, project_id):
    """What the study left behind: dataset, experiment, scores, and the agent's spans below each item."""
    name, run_name = required("DATASET_NAME"), required("EXPERIMENT_NAME")
    dataset = langfuse.get_dataset(name, fetch_items_page_size=PAGE_SIZE)
    ids = {item.id for item in dataset.items}
    check(f"dataset {name} has {len(ids)} items", len(ids) == len(dataset.items) > 0)
    cases = os.environ.get("DATASET_CASES")
    if cases:
        equal("the dataset has every case of the file", len(ids), int(cases))
    check("every item has an input", all(item.input is not None for item in dataset.items))

    found = experiment(langfuse, name=run_name)
    expected = stable_experiment_id(project_id, dataset.id, run_name)
    equal("the experiment has the id the SDK would give it", found.id, expected)
    equal("the experiment belongs to the dataset", found.dataset_id, dataset.id)
    check("every case ran", found.item_count >= len(ids), found.item_count)

    items = experiment_items(langfuse, found.id)
    equal("the items are as many as the experiment says", len(items), found.item_count)
    equal("each case of the dataset is among them", {i.experiment_item_id for i in items}, ids)
    scored = [item for item in items if item.scores]
    equal("each item has scores", len(scored), len(items))
    names = sorted({score.name for item in items for score in item.scores})
    check(f"scores are {', '.join(names)}", bool(names))

    read_traces(langfuse, items[:TRACES])

    item = items[0]
    scores = all_pages(
        lambda cursor: langfuse.api.scores.get_many(
            trace_id=item.trace_id, fields="details,subject", cursor=cursor
        )
    )
    check(f"the trace has {len(scores)} scores", len(scores) >= len(item.scores))


def read_traces(langfuse, items):
    """The agent's spans hang below the experiment's, in one trace for each item."""
    kinds, lost, uncounted = set(), [], []
    for item in items:
        observations = all_pages(
            lambda cursor: langfuse.api.observations.get_many(
                trace_id=item.trace_id, fields="core,basic,io,model,usage", limit=5, cursor=cursor
            )
        )
        ids = {observation.id for observation in observations}
        if item.id not in ids:
            raise Failed(f"trace {item.trace_id} does not hold its item's span {item.id}")
        kinds |= {observation.type for observation in observations}
        lost += [o.name for o in observations if o.parent_observation_id not in ids | {None}]
        uncounted += [o.name for o in observations if o.type == "GENERATION" and not o.usage_details]
    expected = {"AGENT", "GENERATION", "TOOL", "EVALUATOR", "SPAN"}
    equal(f"{len(items)} traces hold observations of every type", kinds, expected)
    equal("no observation has lost its parent", lost, [])
    equal("every model call tells its tokens", uncounted, [])


def write_dataset(langfuse):
    langfuse.create_dataset(name=OWN_DATASET, description="capitals", metadata={"by": "interop"})
    for number in range(OWN_ITEMS):
        langfuse.create_dataset_item(
            dataset_name=OWN_DATASET,
            id=f"interop-{number}",
            input={"country": number},
            expected_output=f"capital {number}",
            metadata={"number": number},
        )
    dataset = langfuse.get_dataset(OWN_DATASET)
    equal("a dataset with a slash in its name is found again", dataset.name, OWN_DATASET)
    equal("its items come over several pages", len(dataset.items), OWN_ITEMS)
    ids = {item.id for item in dataset.items}
    equal("no item is listed twice", len(ids), OWN_ITEMS)
    return dataset


FAILING_ITEM = "interop-7"


def task(*, item, **_):
    if item.id == FAILING_ITEM:
        raise RuntimeError("this task always fails")
    return f"capital {item.input['country']}"


def correct(*, output, expected_output, **_):
    return Evaluation(name="correct", value=output == expected_output, data_type="BOOLEAN")


def length(*, output, **_):
    return [
        Evaluation(name="length", value=len(output), comment="characters"),
        Evaluation(name="tone", value="dry", data_type="CATEGORICAL", metadata={"why": "plain"}),
    ]


def broken(**_):
    raise RuntimeError("this evaluator always fails")


def total(*, evaluations, **_):
    value = sum(e.value for e in evaluations if e.name == "correct")
    return Evaluation(name="total", value=float(value))


def accuracy(*, item_results, **_):
    values = [e.value for result in item_results for e in result.evaluations if e.name == "correct"]
    return Evaluation(name="accuracy", value=sum(values) / len(values), comment="over the run")


def run_own_experiment(langfuse, project_id):
    dataset = write_dataset(langfuse)
    run_name = f"interop {uuid.uuid4()} – עברית"
    result = dataset.run_experiment(
        name="interop",
        run_name=run_name,
        description="run by the official SDK",
        task=task,
        evaluators=[correct, length, broken],
        composite_evaluator=total,
        run_evaluators=[accuracy],
        metadata={"model": "none", "size": "3"},
    )
    langfuse.flush()
    equal("the failing task is left out of the SDK's results", len(result.item_results), OWN_ITEMS - 1)
    expected = stable_experiment_id(project_id, dataset.id, run_name)
    equal("SDK and formula agree on the experiment id", result.experiment_id, expected)

    found = experiment(langfuse, id=result.experiment_id)
    equal("the experiment has its run name", found.name, run_name)
    equal("the experiment has its description", found.description, "run by the official SDK")
    equal("the experiment has its metadata", found.metadata, {"model": "none", "size": "3"})
    equal("the experiment counts the failed item too", found.item_count, OWN_ITEMS)
    run_scores = [(score.name, score.value, score.data_type) for score in found.scores]
    equal("the run's score is on the experiment", run_scores, [("accuracy", 1.0, "NUMERIC")])

    items = experiment_items(langfuse, result.experiment_id)
    equal("every item is read back", len({item.experiment_item_id for item in items}), OWN_ITEMS)
    check_items(items)
    check_scores(langfuse, result)
    return [item.trace_id for item in items]


def check_items(items):
    item = next(item for item in items if item.experiment_item_id == "interop-3")
    equal("an item has its output", item.output, "capital 3")
    equal("an item has its expected output", item.expected_output, "capital 3")
    equal("an item has its input", json.loads(item.input), {"country": 3})
    equal("an item has its metadata", item.experiment_item_metadata, {"number": 3})
    values = sorted((score.name, score.value) for score in item.scores)
    expected = [("correct", True), ("length", 9.0), ("tone", "dry"), ("total", 1.0)]
    equal("an item has its scores, each of its type", values, expected)

    failed = next(item for item in items if item.experiment_item_id == FAILING_ITEM)
    equal("the failed item is an error", failed.level, "ERROR")
    equal("the failed item has no score", failed.scores, [])


def check_scores(langfuse, result):
    trace_id = result.item_results[0].trace_id
    scores = langfuse.api.scores.get_many(
        trace_id=trace_id, data_type="CATEGORICAL", fields="details,subject"
    ).data
    equal("a score keeps its metadata", [score.metadata for score in scores], [{"why": "plain"}])
    equal("a score knows its observation", scores[0].subject.trace_id, trace_id)

    langfuse.create_score(name="late", value=0.5, trace_id=trace_id, score_id="interop-late")
    langfuse.flush()
    late = langfuse.api.scores.get_many(id="interop-late").data
    equal("a later score arrives", [score.value for score in late], [0.5])
    langfuse.api.scores.delete("interop-late")
    equal("a score can be deleted", langfuse.api.scores.get_many(id="interop-late").data, [])


def run_local_experiment(langfuse):
    """An experiment without a dataset: random id, item ids from the input."""
    result = langfuse.run_experiment(
        name="interop local",
        data=[{"input": "hello", "expected_output": "HELLO"}],
        task=lambda *, item, **_: item["input"].upper(),
        evaluators=[correct],
    )
    langfuse.flush()
    found = experiment(langfuse, id=result.experiment_id)
    equal("an experiment on local data has no dataset", found.dataset_id, None)
    items = experiment_items(langfuse, result.experiment_id)
    # The first 16 hex digits of SHA-256 of "hello".
    equal("its item id is the digest", [i.experiment_item_id for i in items], ["2cf24dba5fb0a30e"])
    return [item.trace_id for item in items]


def main():
    # The SDK reports the task and the evaluator that fail on purpose.
    logging.getLogger("langfuse").setLevel(logging.CRITICAL)
    try:
        # The SDK keeps one connection for each public key, so this one must differ too.
        connect("pk-lf-wrong", "sk-lf-wrong").auth_check()
        raise Failed("a wrong key is refused")
    except UnauthorizedError:
        check("a wrong key is refused", True)

    langfuse = connect(required("LANGFUSE_PUBLIC_KEY"), required("LANGFUSE_SECRET_KEY"))
    check("the key is accepted", langfuse.auth_check())
    project_id = langfuse.api.projects.get().data[0].id
    read_study(langfuse, project_id)
    traces = run_own_experiment(langfuse, project_id)
    traces += run_local_experiment(langfuse)
    langfuse.api.trace.delete_multiple(trace_ids=traces)
    left = langfuse.api.observations.get_many(trace_id=traces[0]).data
    equal("deleted traces are gone", left, [])
    langfuse.shutdown()


if __name__ == "__main__":
    run(main, __file__)
