"""Draws the charts of docs/benchmarks.md from a file of figures, into a folder."""

import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

COLOURS = {
    "Basalt on SQLite": "#0b5394",
    "Basalt on PostgreSQL": "#6fa8dc",
    "PocketBase": "#e69138",
    "textbook FastAPI": "#999999",
}
mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "basalt", "font.size": 9, "svg.fonttype": "path"}


def draw(measured: Mapping[str, Any], folder: Path) -> None:
    """Draw requests a second, and latencies, with 16 connections."""
    rows = [row for row in measured["rows"] if row["connections"] == 16]
    throughput = {
        (row["operation"], row["contender"]): statistics.median(row["per_second"]) for row in rows
    }
    _bars(throughput, "requests a second, one core, 16 connections", folder / "throughput.svg")
    latency = {(row["operation"], row["contender"]): row["p99_ms"] for row in rows}
    _bars(latency, "99th percentile in milliseconds, 16 connections", folder / "latency.svg")


def _bars(figures: Mapping[tuple[str, str], float], title: str, file: Path) -> None:
    operations = list(dict.fromkeys(operation for operation, _ in figures))
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    width = 0.8 / len(COLOURS)
    for place, (name, colour) in enumerate(COLOURS.items()):
        heights = [figures.get((operation, name), 0.0) for operation in operations]
        left = [number + place * width for number in range(len(operations))]
        bars = axes.bar(left, heights, width, label=name, color=colour)
        labels = ["" if height == 0 else f"{height:,.0f}" for height in heights]
        axes.bar_label(bars, labels=labels, rotation=90, padding=2, fontsize=6)
    axes.set_xticks([number + 0.4 - width / 2 for number in range(len(operations))], operations)
    axes.set_yscale("log")
    axes.set_ylim(top=max(figures.values()) * 4)
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=4, frameon=False, loc="upper center", fontsize=7)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
