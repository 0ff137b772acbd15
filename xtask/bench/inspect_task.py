"""The benchmark's questions as an Inspect AI task: no model, a solver that asks the agent, two scorers.

Run by `eval_bench.py` in an environment with inspect-ai: URL, dataset, concurrency, folder for the log. Fails unless
every answer is right, so that a peer that was fast because it failed is not taken for fast.
"""

import json
import pathlib
import sys
import time

import httpx
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, accuracy, includes, mean, scorer
from inspect_ai.solver import solver

LIMIT_S = 5.0


@solver
def ask(url, concurrency):
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    client = httpx.AsyncClient(limits=limits, timeout=30)

    async def solve(state, generate):
        start = time.monotonic()
        answer = await client.post(f"{url}/invocations", json={"prompt": state.input_text})
        answer.raise_for_status()
        state.output.completion = answer.json()["response"]
        state.metadata["latency_s"] = time.monotonic() - start
        return state

    return solve


@scorer(metrics=[mean()])
def latency():
    async def score(state, target):
        return Score(value=1.0 if state.metadata["latency_s"] <= LIMIT_S else 0.0)

    return score


def main():
    url, dataset, concurrency, folder = sys.argv[1:]
    cases = [json.loads(line) for line in pathlib.Path(dataset).read_text().splitlines()]
    samples = [
        Sample(id=case["id"], input=case["input"], target=case["expected"]["facts"][0]["text"])
        for case in cases
        if "input" in case
    ]
    task = Task(
        dataset=MemoryDataset(samples),
        solver=ask(url, int(concurrency)),
        scorer=[includes(), latency()],
        metrics=[accuracy()],
    )
    (log,) = eval(task, model=None, max_samples=int(concurrency), log_dir=folder, display="none")
    values = [metric.value for score in log.results.scores for metric in score.metrics.values()]
    if log.status != "success" or values != [1.0, 1.0]:
        sys.exit(f"inspect: {log.status}, {values}")


if __name__ == "__main__":
    main()
