"""autoevals for Python and our evaluators give the same scores on random pairs.

Each pair is scored by the library and by `flywheel eval score --option compat=autoevals-py`; every number must agree to
the ninth digit, and what one side refuses the other must refuse. Then the default rules score the same pairs, and how
often they differ from the library, and why they may, is printed.

Environment: FLYWHEEL_BINARY, FLYWHEEL_ROOT. Packages: autoevals.
Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import json
import random
import subprocess

from autoevals import ExactMatch, Levenshtein, NumericDiff
from autoevals.json import JSONDiff, ValidJSON
from autoevals.list import ListContains

from checks import check, equal, required, run

PAIRS = 1_000
TOLERANCE = 1e-9
SEED = 20261122
ALPHABET = "abcxyz 019.,-äöüßéשלוםא日本😀"


def text(draw, longest=12):
    return "".join(draw.choice(ALPHABET) for _ in range(draw.randint(0, longest)))


def number(draw):
    return draw.choice([draw.randint(-50, 50), round(draw.uniform(-1e3, 1e3), 3), draw.choice([0, 1, 0.0, 1e20, 1e-7])])


def document(draw, depth=3):
    kind = draw.randint(0, 7 if depth else 4)
    if kind == 0:
        return None
    if kind == 1:
        return draw.choice([True, False])
    if kind == 2:
        return number(draw)
    if kind in (3, 4):
        return text(draw)
    if kind == 5:
        return [document(draw, depth - 1) for _ in range(draw.randint(0, 3))]
    if kind == 6:
        return {draw.choice("abcé"): document(draw, depth - 1) for _ in range(draw.randint(0, 3))}
    return json.dumps(document(draw, depth - 1))


def changed(draw, value):
    """Something near the value, so that not every pair is a miss."""
    if draw.random() < 0.3:
        return value
    if isinstance(value, str) and value:
        at = draw.randrange(len(value))
        return value[:at] + text(draw, 2) + value[at + 1 :]
    if isinstance(value, list) and value:
        return [changed(draw, item) for item in value[: draw.randint(0, len(value))]]
    if isinstance(value, dict) and value:
        return {key: changed(draw, item) for key, item in value.items() if draw.random() < 0.8}
    return document(draw)


def documents(draw):
    value = document(draw)
    return value, changed(draw, value)


def texts(draw):
    value = text(draw)
    return value, changed(draw, value)


def numbers(draw):
    return number(draw), number(draw)


def lists(draw):
    value = [text(draw, 6) for _ in range(draw.randint(0, 5))]
    other = [changed(draw, item) for item in value]
    draw.shuffle(other)
    return value, [item for item in other if isinstance(item, str)][: draw.randint(0, 6)]


# Ours, theirs, pairs, and why the default rule may differ.
SCORERS = [
    ("levenshtein", Levenshtein(), texts, None),
    ("numeric_diff", NumericDiff(), numbers, None),
    ("list_contains", ListContains(), lists, None),
    ("exact_match", ExactMatch(), documents, "1 is 1.0, objects have no order, true is not \"True\", unlike types are not the same"),
    ("json_diff", JSONDiff(), documents, "a boolean equals only a boolean, letters are not escaped"),
    ("valid_json", ValidJSON(), lambda draw: (draw.choice([document(draw), json.dumps(document(draw)) + draw.choice(["", "", "}"])]), None), None),
]


def theirs(scorer, output, expected):
    try:
        result = scorer.eval(output, expected) if expected is not None else scorer.eval(output)
        return result.score
    except Exception:  # the library raises whatever it meets
        return None


def ours(name, pairs, *options):
    lines = "".join(
        json.dumps({"output": output} if name == "valid_json" else {"output": output, "expected": expected}) + "\n"
        for output, expected in pairs
    )
    command = [required("FLYWHEEL_BINARY"), "eval", "score", "--format", "json", "--evaluator", name, *options]
    done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, timeout=120, check=False)
    check(f"`eval score` read {len(pairs)} pairs for {name}", done.returncode in (0, 4), done.returncode)
    values = [json.loads(line)["value"] for line in done.stdout.decode().splitlines()]
    equal(f"and gave as many results for {name}", len(values), len(pairs))
    return values


def agree(a, b):
    return (a is None and b is None) or (a is not None and b is not None and abs(a - b) <= TOLERANCE)


def main():
    draw = random.Random(SEED)
    for name, scorer, pair, why in SCORERS:
        # The library raises without an expectation, which here is a null.
        pairs = [pair(draw) for _ in range(PAIRS)]
        reference = [theirs(scorer, output, expected) for output, expected in pairs]
        compat = ours(name, pairs, "--option", "compat=autoevals-py")
        different = [
            (pairs[i], reference[i], compat[i]) for i in range(PAIRS) if not agree(reference[i], compat[i])
        ]
        equal(f"{name} gives autoevals' numbers on {PAIRS} random pairs", different[:3], [])
        default = ours(name, pairs)
        apart = sum(1 for i in range(PAIRS) if not agree(reference[i], default[i]))
        if why is None:
            equal(f"{name} by its default rule differs on no pair", apart, 0)
        else:
            print(f"    {name} by its default rule differs on {apart} of {PAIRS}: {why}", flush=True)


if __name__ == "__main__":
    run(main, __file__)
