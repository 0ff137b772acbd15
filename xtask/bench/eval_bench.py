"""Measures experiment runners against one fake agent and prints what was measured as one JSON object.

Every program gets the same questions, the same number at once and the same two checks of each answer. A round starts
each program, one after the other, so that whatever else the machine does meets all of them; the quick ones several
times, their order turned each time. The agent itself says when the first question came and the last answer went.
CPU is the kernel's account of the finished process and its children; memory is the highest seen of the process.

Run by `cargo xtask bench eval`. Needs nothing but Python.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
# Runs of a quick program in each round.
QUICK_REPEATS = 3
MEMORY_POLL_S = 0.005
LIMIT_S = 600


def cpu_s(pid):
    # The kernel's number of the CPU clock of another process: see clock_getcpuclockid(3).
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


class Agent:
    """The fake agent, running."""

    def __init__(self, binary, delay_ms):
        self.process = subprocess.Popen(
            [binary, "--delay-ms", str(delay_ms)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.url = json.loads(self.process.stdout.readline())["url"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)

    def reset(self):
        urllib.request.urlopen(f"{self.url}/reset", data=b"", timeout=10).close()
        return cpu_s(self.process.pid)

    def counts(self):
        with urllib.request.urlopen(f"{self.url}/counts", timeout=10) as answer:
            return json.load(answer), cpu_s(self.process.pid)


def watch_memory(pid, done, peak):
    """The highest resident size: asked again and again, since the account at the end counts the forking parent too."""
    while not done.wait(MEMORY_POLL_S):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak[0] = max(peak[0], int(line.split()[1]) * 1024)


def finished(command, log, stdin=None, **options):
    """Runs a program to its end: start, end, CPU and memory."""
    start = time.time_ns()
    process = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=log, stderr=log, **options)
    done, peak = threading.Event(), [0]
    watcher = threading.Thread(target=watch_memory, args=(process.pid, done, peak))
    watcher.start()
    killer = threading.Timer(LIMIT_S, process.kill)
    killer.start()
    _, status, usage = os.wait4(process.pid, 0)
    end = time.time_ns()
    process.returncode = os.waitstatus_to_exitcode(status)
    killer.cancel()
    done.set()
    watcher.join()
    if process.returncode:
        log.seek(0)
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{log.read()[-4000:].decode(errors='replace')}")
    sample = {
        "wall_ms": (end - start) / 1e6,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_rss_mb": peak[0] / 1e6,
    }
    return start, sample


class Bench:
    """One dataset, one agent, and the programs that ask it."""

    def __init__(self, options, agent, folder, cases):
        self.options, self.agent, self.folder, self.cases = options, agent, folder, cases
        self.dataset = folder / f"cases_{cases}.jsonl"
        write_dataset(self.dataset, cases)
        self.run = f"bench-{os.getpid()}"

    def bare(self):
        return [self.options.bare, "--target", self.agent.url, "--dataset", str(self.dataset), *self.at_once()], {}

    def ours(self, evaluators="fact_coverage,latency"):
        command = [self.options.ours, "eval", "run", "--format", "json", "--target", self.agent.url]
        command += ["--dataset", str(self.dataset), "--evaluators", evaluators, "--run", self.run]
        return command + self.at_once(), {"FLYWHEEL_ROOT": self.options.root}

    def promptfoo(self):
        config = self.folder / "promptfooconfig.json"
        config.write_text(json.dumps(promptfoo_config(self.agent.url, self.cases)))
        command = [self.options.node, self.options.promptfoo, "eval", "-c", str(config), "-j", str(self.options.concurrency)]
        # What makes it quicker: no cache, no database, no table.
        command += ["--no-cache", "--no-write", "--no-table", "--no-progress-bar", "--no-share"]
        quiet = ["TELEMETRY", "UPDATE", "REMOTE_GENERATION"]
        variables = {f"PROMPTFOO_DISABLE_{name}": "1" for name in quiet}
        return command, {**variables, "PROMPTFOO_CONFIG_DIR": str(self.folder / "promptfoo")}

    def inspect_ai(self):
        logs = self.folder / "inspect"
        command = [self.options.inspect, str(HERE / "inspect_task.py"), self.agent.url, str(self.dataset)]
        return [*command, str(self.options.concurrency), str(logs)], {"INSPECT_DISABLE_UPDATE_CHECK": "1"}

    def at_once(self):
        return ["--concurrency", str(self.options.concurrency)]

    def sample(self, program, **more):
        command, variables = getattr(self, program)(**more)
        before = self.agent.reset()
        with (self.folder / f"{program}.log").open("w+b") as log:
            start, sample = finished(command, log, cwd=self.folder, env={**os.environ, **variables})
        counts, after = self.agent.counts()
        shutil.rmtree(pathlib.Path(self.options.root) / "target/eval" / self.run, ignore_errors=True)
        if counts["requests"] != self.cases:
            raise SystemExit(f"{program} asked {counts['requests']} questions, not {self.cases}")
        first, last = counts["first_request_unix_ns"], counts["last_answer_unix_ns"]
        return {
            "first_request_ms": (first - start) / 1e6,
            "span_ms": (last - first) / 1e6,
            "most_at_once": counts["most_at_once"],
            "agent_cpu_s": after - before,
            **sample,
        }


def question(number):
    return f"What is the total value of purchase order {4_500_000_000 + number}?"


def write_dataset(path, cases):
    with path.open("w") as file:
        print(json.dumps({"dataset": "bench", "version": 1, "description": "made by eval_bench.py"}), file=file)
        for number in range(cases):
            expected = {
                "facts": [{"text": str(4_500_000_000 + number)}],
                "trajectory": {"tools": ["get_complete_po_data"], "mode": "any_order"},
                "tool_arguments": [{"tool": "get_complete_po_data", "arguments": {"po_number": "4500000520"}}],
                "must_refuse": False,
            }
            case = {"id": f"po_{number}", "input": question(number), "language": "en", "category": "happy", "expected": expected}
            print(json.dumps(case), file=file)


def promptfoo_config(url, cases):
    body = {"method": "POST", "headers": {"content-type": "application/json"}, "body": {"prompt": "{{prompt}}"}}
    tests = [
        {
            "vars": {"question": question(number)},
            "assert": [
                {"type": "contains", "value": str(4_500_000_000 + number)},
                {"type": "latency", "threshold": 5000},
            ],
        }
        for number in range(cases)
    ]
    provider = {"id": f"{url}/invocations", "config": {**body, "transformResponse": "json.response"}}
    return {"prompts": ["{{question}}"], "providers": [provider], "tests": tests}


def speed(options, folder):
    quick = ["bare", "ours"]
    slow = [name for name, given in [("promptfoo", options.promptfoo), ("inspect_ai", options.inspect)] if given]
    samples = {name: [] for name in quick + slow}
    with Agent(options.agent, options.delay_ms) as agent:
        bench = Bench(options, agent, folder, options.cases)
        for round_number in range(options.rounds + 1):
            order = [name for repeat in range(QUICK_REPEATS) for name in (quick if repeat % 2 else reversed(quick))]
            for name in order + slow:
                sample = bench.sample(name)
                # The first round warms disk and bytecode caches, and is not counted.
                if round_number:
                    samples[name].append(sample)
            print(f"round {round_number} of {options.rounds}", file=sys.stderr)
    return samples


def memory(options, folder):
    """Peak memory of ours with few and with many cases, answered at once."""
    found = {}
    with Agent(options.agent, 0) as agent:
        for cases in options.memory:
            bench = Bench(options, agent, folder, cases)
            found[str(cases)] = bench.sample("ours", evaluators=options.evaluators)
            print(f"{cases} cases", file=sys.stderr)
    for lines in options.memory:
        pairs = folder / "pairs.jsonl"
        with pairs.open("w") as file:
            for number in range(lines):
                print(json.dumps({"output": question(number), "expected": question(number + 1)}), file=file)
        command = [options.ours, "eval", "score", "--evaluator", "levenshtein", "--format", "json"]
        with pairs.open("rb") as stdin, (folder / "score.log").open("w+b") as log:
            _, found[f"score_{lines}"] = finished(
                command, log, stdin=stdin, cwd=folder, env={**os.environ, "FLYWHEEL_ROOT": options.root}
            )
    return found


def main():
    parser = argparse.ArgumentParser()
    for name in ["root", "agent", "bare", "ours"]:
        parser.add_argument(f"--{name}", required=True)
    for name in ["node", "promptfoo", "inspect", "evaluators"]:
        parser.add_argument(f"--{name}")
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--delay-ms", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = memory(options, pathlib.Path(folder)) if options.memory else speed(options, pathlib.Path(folder))
    json.dump({"cores": os.cpu_count(), "samples": found}, sys.stdout)


if __name__ == "__main__":
    main()
