"""Draws a dashboard's widgets from recorded metrics, so that one sees what an operator sees, and says which are empty.

    python3 infra/local/dashboard.py LOG… --out dashboard.png

LOG are logs of the functions with their metrics in the embedded metric format, for example those that
`local-stack up --state DIR` leaves in DIR/logs. `deploy.py` draws the dashboard that it has deployed, from the metrics
of that deployment. Needs matplotlib (infra/local/requirements-deploy.txt).
"""

import argparse
import hashlib
import json
import re
import textwrap
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

import metrics

INFRA = Path(__file__).resolve().parents[1]
BODY = INFRA / "dashboard.json"
STATISTICS = {"Maximum": max, "Minimum": min, "Sum": sum}


def points(values, statistic, period_ms):
    """One value per period."""
    periods = defaultdict(list)
    for at, value in values:
        periods[at // period_ms * period_ms].append(value)
    return [(at, STATISTICS[statistic](found)) for at, found in sorted(periods.items())]


def lines(properties, series, period_ms):
    """(wanted metric, label, points) of every line of a widget. A search that finds nothing gives one without points."""
    for row in properties["metrics"]:
        if isinstance(row[0], dict):
            search = re.fullmatch(r"SEARCH\('\{([^}]+)\} (.*)', '(\w+)', \d+\)", row[0]["expression"])
            namespace, *dimensions = [part.strip('" ') for part in search.group(1).split(",")]
            wanted = dict(re.findall(r'(\w+)="([^"]*)"', search.group(2)))
            metric = wanted.pop("MetricName")
            place = f"{metric} of {wanted.get('function', namespace)}"
            found = 0
            for (space, name, own), values in sorted(series.items()):
                own = dict(own)
                if space == namespace and name == metric and set(own) == set(dimensions) and wanted.items() <= own.items():
                    label = re.sub(r"\$\{PROP\('Dim\.(\w+)'\)\}", lambda match: own[match.group(1)], row[0]["label"])
                    yield place, label, points(values, search.group(3), period_ms)
                    found += 1
            if not found:
                yield place, row[0]["label"], []
        else:
            options = row[-1] if isinstance(row[-1], dict) else {}
            pairs = row[2:-1] if options else row[2:]
            dimensions = dict(zip(pairs[::2], pairs[1::2]))
            key = (row[0], row[1], tuple(sorted(dimensions.items())))
            place = f"{row[1]} of {dimensions.get('function') or options.get('label', row[0])}"
            yield place, options.get("label", row[1]), points(series.get(key, []), options.get("stat", "Sum"), period_ms)


def charts(body):
    """The widgets that draw metrics."""
    return [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]


def gaps(body, series, period_ms=10_000):
    """Widget -> the metrics that it asks for and that have no value, for widgets that lack any."""
    found = {}
    for properties in charts(body):
        empty = sorted({place for place, _, values in lines(properties, series, period_ms) if not values})
        if empty:
            found[properties["title"]] = empty
    return found


def fingerprint(body_file=BODY):
    """What the picture is of: kept in the picture, so that a gate sees when it is another dashboard's."""
    return hashlib.sha256(body_file.read_bytes()).hexdigest()


def draw(body, series, out, period_ms=10_000):
    """Draws the widgets where the dashboard has them: 24 columns wide."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.dates
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    widgets = body["widgets"]
    rows = max(widget["y"] + widget["height"] for widget in widgets)
    figure = Figure(figsize=(24, rows * 0.55))
    FigureCanvasAgg(figure)
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
        for _, label, found in lines(properties, series, period_ms):
            if found:
                times = [datetime.fromtimestamp(at / 1000, timezone.utc) for at, _ in found]
                axes.plot(times, [value for _, value in found], label=label, marker=".", linewidth=1.4)
                drawn += 1
        if drawn:
            axes.legend(fontsize=8, loc="upper left", framealpha=0.7)
            axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M:%S"))
        else:
            axes.text(0.5, 0.5, "not in the recording: a metric of AWS's own", ha="center", va="center", transform=axes.transAxes, color="grey")
            axes.set_xticks([])
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=60, metadata={"Description": f"dashboard.json {fingerprint()}"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--period", type=int, default=10, help="seconds of a point; CloudWatch's are 60, recordings are shorter")
    arguments = parser.parse_args()
    series = metrics.of_logs(line for path in arguments.logs for line in path.read_text(encoding="utf-8").splitlines())
    if not series:
        raise SystemExit(f"error: no metrics in the embedded metric format in {[str(path) for path in arguments.logs]}")
    pipeline = next(value for _, _, dimensions in series for name, value in dimensions if name == "pipeline")
    body = json.loads(BODY.read_text(encoding="utf-8").replace("${PipelineName}", pipeline).replace("${!", "${"))
    draw(body, series, arguments.out, arguments.period * 1000)
    for title, empty in gaps(body, series).items():
        print(f"no value in the recording: {title}: {', '.join(empty)}")
    print(f"{arguments.out}: {len(series)} series")


if __name__ == "__main__":
    main()
