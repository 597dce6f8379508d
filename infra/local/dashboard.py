"""Draws the dashboard's widgets from recorded metrics, so that one sees what an operator sees.

    python3 infra/local/dashboard.py LOG… --out infra/dashboard.png

LOG are logs of the functions with their metrics in the embedded metric format, for example those that
`local-stack up --state DIR` leaves in DIR/logs. Metrics of AWS's own services are not in them; such widgets stay empty
and say so. Needs matplotlib (infra/local/requirements-dashboard.txt).
"""

import argparse
import json
import re
import textwrap
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates
import matplotlib.pyplot as plt

INFRA = Path(__file__).resolve().parents[1]
STATISTICS = {"Maximum": max, "Minimum": min, "Sum": sum}


def read(paths):
    """(namespace, metric, dimensions) -> [(milliseconds, value)], as CloudWatch would read the logs."""
    series = defaultdict(list)
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            start = line.find('{"_aws"')
            if start < 0 and '"_aws"' in line:
                start = line.find("{")
            if start < 0:
                continue
            try:
                entry = json.loads(line[start:])
            except json.JSONDecodeError:
                continue
            for directive in entry.get("_aws", {}).get("CloudWatchMetrics", []):
                for names in directive["Dimensions"]:
                    dimensions = tuple(sorted((name, entry[name]) for name in names))
                    for metric in directive["Metrics"]:
                        key = (directive["Namespace"], metric["Name"], dimensions)
                        series[key].append((entry["_aws"]["Timestamp"], entry[metric["Name"]]))
    return series


def points(values, statistic, period_ms):
    """One value per period."""
    periods = defaultdict(list)
    for at, value in values:
        periods[at // period_ms * period_ms].append(value)
    return [(at, STATISTICS[statistic](found)) for at, found in sorted(periods.items())]


def lines(widget, series, names, period_ms):
    """(label, points) of a widget."""
    for row in widget["metrics"]:
        if isinstance(row[0], dict):
            search = re.search(r"SEARCH\('\{([^}]+)\} (.*)', '(\w+)', \d+\)", row[0]["expression"])
            namespace, *dimensions = [part.strip('" ') for part in search.group(1).split(",")]
            wanted = dict(re.findall(r'(\w+)="([^"]*)"', search.group(2)))
            metric = wanted.pop("MetricName")
            for (space, name, own), values in sorted(series.items()):
                own = dict(own)
                if space == namespace and name == metric and set(own) == set(dimensions) and wanted.items() <= own.items():
                    label = re.sub(r"\$\{PROP\('Dim\.(\w+)'\)\}", lambda found: own[found.group(1)], row[0]["label"])
                    yield label, points(values, search.group(3), period_ms)
        else:
            options = row[-1] if isinstance(row[-1], dict) else {}
            pairs = row[2:-1] if options else row[2:]
            key = (row[0], row[1], tuple(sorted(zip(pairs[::2], pairs[1::2]))))
            yield options.get("label", row[1]), points(series.get(key, []), options.get("stat", "Sum"), period_ms)


def draw(body, series, out, period_ms):
    """Draws the widgets where the dashboard has them: 24 columns wide."""
    widgets = body["widgets"]
    rows = max(widget["y"] + widget["height"] for widget in widgets)
    figure = plt.figure(figsize=(24, rows * 0.55))
    for widget in widgets:
        properties = widget["properties"]
        box = [widget["x"] / 24 + 0.025, 1 - (widget["y"] + widget["height"] - 1.0) / rows, widget["width"] / 24 - 0.035, (widget["height"] - 1.9) / rows]
        if widget["type"] == "text":
            text = re.sub(r"[#*]", "", properties["markdown"]).strip()
            figure.text(0.025, 1 - 0.4 / rows, "\n".join(textwrap.fill(line, 200) for line in text.splitlines()), fontsize=15, va="top")
            continue
        axes = figure.add_axes(box)
        axes.set_title(properties["title"], fontsize=11, loc="left", weight="bold")
        axes.set_ylabel(properties.get("yAxis", {}).get("left", {}).get("label", ""), fontsize=9)
        drawn = 0
        for label, found in lines(properties, series, None, period_ms):
            if found:
                times = [datetime.fromtimestamp(at / 1000, timezone.utc) for at, _ in found]
                axes.plot(times, [value for _, value in found], label=label, marker=".", linewidth=1.4)
                drawn += 1
        if drawn:
            axes.legend(fontsize=8, loc="upper left", framealpha=0.7)
            axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M"))
        else:
            axes.text(0.5, 0.5, "not in the recording: a metric of AWS's own", ha="center", va="center", transform=axes.transAxes, color="grey")
            axes.set_xticks([])
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=60)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--period", type=int, default=10, help="seconds of a point; CloudWatch's are 60, recordings are shorter")
    arguments = parser.parse_args()
    series = read(arguments.logs)
    if not series:
        raise SystemExit(f"error: no metrics in the embedded metric format in {[str(path) for path in arguments.logs]}")
    pipeline = next(value for _, _, dimensions in series for name, value in dimensions if name == "pipeline")
    text = (INFRA / "dashboard.json").read_text(encoding="utf-8").replace("${PipelineName}", pipeline).replace("${!", "${")
    draw(json.loads(text), series, arguments.out, arguments.period * 1000)
    print(f"{arguments.out}: {len(series)} series")


if __name__ == "__main__":
    main()
