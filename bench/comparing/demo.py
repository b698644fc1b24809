# SPDX-License-Identifier: MIT
"""The demo: how long cancel() takes to reach 1 to 100 000 goroutines, burrow beside Go."""

import statistics
import tempfile
from pathlib import Path

from . import picture, programs, tables

SIZES = (1, 10, 100, 1_000, 10_000, 100_000)
KINDS = (
    ("shared", "all goroutines select on one Context"),
    ("own", "each goroutine has a Context of its own, a child of the cancelled one"),
)


def read_samples(path):
    """{(kind, n): ([first_us, ...], [last_us, ...])}

    In Go a trial can end before the first goroutine has written its time: that one is not counted.
    """
    samples = {}
    for line in path.read_text().splitlines():
        kind, n, first, last = line.split()
        firsts, lasts = samples.setdefault((kind, int(n)), ([], []))
        if float(first) > 0:
            firsts.append(float(first))
        lasts.append(float(last))
    return samples


def sample(side, workers):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples"
        side.run("cancel", workers, 1, "-samples", str(path))
        return read_samples(path)


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


def rows_of(kind, sides, samples):
    rows = []
    for n in SIZES:
        row = [f"{n:,}".replace(",", " ")]
        for which in (0, 1):
            medians = []
            for side in sides:
                values = samples[side.runtime][kind, n][which]
                medians.append(statistics.median(values))
                row += [tables.duration(medians[-1]), tables.duration(percentile(values, 0.99))]
            if len(sides) == 2:
                row.append((tables.times(medians[1] / medians[0]), "bold"))
        rows.append(row)
    return rows


def header_of(sides):
    header = ["goroutines"]
    for which in ("first", "last"):
        for side in sides:
            header += [f"{side.label} {which} p50", "p99"]
        if len(sides) == 2:
            header.append("ratio")
    return header


def run(sides, workers, svg, where, say):
    """Measures, prints the tables and draws the picture. Returns the exit status."""
    samples = {}
    for side in sides:
        say(f"cancelling up to 100 000 goroutines in {side.label}: about 15 s")
        try:
            samples[side.runtime] = sample(side, workers)
        except programs.RunFailed as why:
            say(f"FAILED: {side.label}: {why}")
            if side.runtime == "burrow":
                return 1
    sides = [side for side in sides if side.runtime in samples]
    print("From cancel() to the first goroutine that resumed, and to the last one")
    for kind, meaning in KINDS:
        print(f"\n{kind}: {meaning}")
        print(tables.terminal(header_of(sides), rows_of(kind, sides, samples)))
    print(f"\n{workers} workers; " + "; ".join(line.split(maxsplit=1)[1] for line in where))
    if len(sides) == 1:
        print("Go is not installed here, so there is nothing to compare with")
    if svg:
        note = f"{workers} workers. " + where[0].split(maxsplit=1)[1]
        svg.parent.mkdir(parents=True, exist_ok=True)
        svg.write_text(picture.draw(sides, samples, SIZES, note))
        print(f"picture: {svg}")
    return 0
