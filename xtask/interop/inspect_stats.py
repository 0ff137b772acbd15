"""Inspect AI's metrics and our statistics give the same numbers on random scores.

Inspect's own functions (mean, standard error plain and clustered, t and Wilson intervals, pass@k, pass^k, Krippendorff's
alpha) and `flywheel eval stats` are given the same seeded random sets; every number must agree to the ninth digit. Where
the two differ on purpose, how often and why is printed, and that the difference is exactly that one is checked.

Environment: FLYWHEEL_BINARY, FLYWHEEL_ROOT. Packages: inspect-ai.
Prints `ok  <what>` for each check; ends with 1 at the first that fails.
"""

import json
import logging
import math
import random
import subprocess
import warnings

from inspect_ai.scorer import SampleScore, Score, ci, ci_wilson, krippendorff_alpha, mean, pass_at, pass_k, stderr

from checks import Failed, check, equal, required, run

SETS = 400
SEED = 20261122
TOLERANCE = 1e-9


def scores_of(draw):
    """Rates, fractions or any numbers; some sets too small for an interval, some without variance."""
    n = draw.choice([1, 2, 2, 3, 5, 8, 13, 30, 95, 400])
    kind = draw.randrange(4)
    if kind == 0:
        rate = draw.random()
        return [float(draw.random() < rate) for _ in range(n)]
    if kind == 1:
        return [draw.choice([0.0, 0.25, 0.5, 0.6, 1.0]) for _ in range(n)]
    if kind == 2:
        return [draw.gauss(3.0, 2.0) for _ in range(n)]
    return [draw.random()] * n


def clusters_of(draw, n):
    clusters = draw.choice([1, 2, max(1, n // 3), n])
    return [f"q{draw.randrange(clusters)}" for _ in range(n)]


def sample_scores(scores, clusters):
    return [
        SampleScore(score=Score(value=value), sample_id=str(i), sample_metadata={"cluster": cluster})
        for i, (value, cluster) in enumerate(zip(scores, clusters))
    ]


def ours(lines):
    command = [required("FLYWHEEL_BINARY"), "eval", "stats", "--format", "json"]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, timeout=120, check=False)
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    if done.returncode or len(rows) != len(lines):
        raise Failed(f"`eval stats` ended with {done.returncode} after {len(rows)} of {len(lines)} lines")
    return rows


def interval(value):
    return None if value is None else (value["lo"], value["hi"])


def bounds(value):
    return (value["lower"], value["upper"])


def near(a, b):
    if a is None or b is None:
        return a is b
    pairs = zip(a, b) if isinstance(a, tuple) else [(a, b)]
    return all(abs(x - y) <= TOLERANCE * max(1.0, abs(y)) for x, y in pairs)


def compare(what, pairs):
    """Every pair of (set, ours, theirs) agrees."""
    different = [(of, ours, theirs) for of, ours, theirs in pairs if not near(ours, theirs)]
    check(f"{what}: the same {len(pairs)} times", pairs and not different, different[:2] or "nothing to compare")


def on_purpose(what, count, why):
    check(f"{what}: {count} times, on purpose", count > 0, "the case never came up")
    print(f"    {why}", flush=True)


def means(draw):
    sets = [scores_of(draw) for _ in range(SETS)]
    keys = [clusters_of(draw, len(scores)) for scores in sets]
    rows = ours([{"scores": scores, "clusters": clusters} for scores, clusters in zip(sets, keys)])
    found = list(zip(sets, keys, rows, map(sample_scores, sets, keys)))

    compare("mean", [(s, row["mean"], float(mean()(samples))) for s, _, row, samples in found])
    several = [entry for entry in found if len(entry[0]) >= 2]
    compare(
        "standard error", [(s, row["standard_error"], float(stderr()(samples))) for s, _, row, samples in several]
    )
    compare("95 % t interval", [(s, interval(row["interval"]), bounds(ci()(samples))) for s, _, row, samples in several])

    grouped = [entry for entry in found if len(set(entry[1])) >= 2]
    clustered = {"cluster": "cluster"}
    compare(
        "clustered standard error",
        [(s, row["clustered_standard_error"], float(stderr(**clustered)(samples))) for s, _, row, samples in grouped],
    )
    compare(
        "clustered 95 % t interval",
        [(s, interval(row["clustered_interval"]), bounds(ci(**clustered)(samples))) for s, _, row, samples in grouped],
    )
    rates = [entry for entry in found if all(0 <= score <= 1 for score in entry[0])]
    compare("Wilson interval", [(s, interval(row["wilson"]), bounds(ci_wilson()(samples))) for s, _, row, samples in rates])

    lonely = [entry for entry in found if len(entry[0]) < 2]
    check(
        "one score: ours has no standard error and no interval, theirs are 0 and a point",
        all(
            row["standard_error"] is None
            and row["interval"] is None
            and "at least 2 needed" in row["undefined"]["interval"]
            and stderr()(samples) == 0
            and len(set(bounds(ci()(samples)))) == 1
            for _, _, row, samples in lonely
        ),
    )
    on_purpose("one score differs", len(lonely), "0 would say that one answer proves the rate; `undefined` says what is missing")
    one_cluster = [entry for entry in found if len(entry[0]) >= 2 and len(set(entry[1])) == 1]
    check(
        "one cluster: ours has no clustered standard error, theirs is 0",
        all(
            row["clustered_standard_error"] is None
            and row["clustered_interval"] is None
            and stderr(**clustered)(samples) == 0
            for _, _, row, samples in one_cluster
        ),
    )
    on_purpose("one cluster differs", len(one_cluster), "answers of one cluster may be copies of each other")
    apart = [
        entry
        for entry in grouped
        if all(0 <= score <= 1 for score in entry[0])
        and not near(interval(entry[2]["clustered_wilson"]), bounds(ci_wilson(**clustered)(entry[3])))
    ]
    on_purpose(
        "clustered Wilson interval differs",
        len(apart),
        "theirs takes p(1-p)/variance as effective number and Student's t; ours the design effect against p(1-p)/(n-1) "
        "and the normal, and the number of clusters where all answers agree",
    )


def repeats(draw):
    trials = [[draw.random() < draw.random() for _ in range(draw.randint(1, 12))] for _ in range(SETS)]
    ks = [draw.randint(1, len(passed)) for passed in trials]
    rows = ours([{"passed": passed, "k": k} for passed, k in zip(trials, ks)])

    def reduced(reducer, passed):
        return float(reducer([Score(value=float(value)) for value in passed]).value)

    found = list(zip(trials, ks, rows))
    compare("pass@k", [((t, k), row["pass_at_k"], reduced(pass_at(k), t)) for t, k, row in found])
    compare("pass^k", [((t, k), row["pass_hat_k"], reduced(pass_k(k), t)) for t, k, row in found])
    (row,) = ours([{"passed": [True], "k": 2}])
    check(
        "fewer trials than k: ours is null, theirs is no number",
        row["pass_at_k"] is None and math.isnan(reduced(pass_at(2), [True])),
    )


def agreement(draw):
    for scale in ["nominal", "ordinal", "interval"]:
        tables = []
        for _ in range(SETS // 4):
            raters, units = draw.randint(2, 5), draw.randint(2, 30)
            truth = [draw.randint(1, 5) for _ in range(units)]
            rate = lambda value: None if draw.random() < 0.15 else value if draw.random() < 0.6 else draw.randint(1, 5)
            tables.append([[rate(value) for value in truth] for _ in range(raters)])
        rows = ours([{"ratings": table, "scale": scale} for table in tables])
        pairs = []
        for table, row in zip(tables, rows):
            units = [[float(rating) for rating in unit if rating is not None] for unit in zip(*table)]
            samples = [SampleScore(score=Score(value=unit), sample_id=str(i)) for i, unit in enumerate(units)]
            theirs = krippendorff_alpha(scale)(samples)
            if row["krippendorff_alpha"] is None:
                # All ratings equal: theirs is 1 by convention; nothing rated twice: no number.
                if not (theirs == 1.0 or math.isnan(theirs)):
                    raise Failed(f"ours has no alpha ({row['undefined']}), theirs is {theirs} for {table}")
            else:
                pairs.append((table, row["krippendorff_alpha"], float(theirs)))
        compare(f"Krippendorff's alpha, {scale}", pairs)
    (row,) = ours([{"ratings": [[1, 1], [1, 1]], "scale": "nominal"}])
    same = [SampleScore(score=Score(value=[1.0, 1.0]), sample_id=str(i)) for i in range(2)]
    equal("all ratings equal: ours has no alpha, theirs is", (row["krippendorff_alpha"], krippendorff_alpha()(same)), (None, 1.0))
    on_purpose("equal ratings differ", 1, "who only ever says one word has shown no agreement beyond chance")


def main():
    # Inspect warns about nominal numbers and units with one rating; both are meant.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    draw = random.Random(SEED)
    means(draw)
    repeats(draw)
    agreement(draw)


if __name__ == "__main__":
    run(main, __file__)
