"""Compares the templates with the functions' sources: settings and metrics.

Rust tests compare each function's README with its code, so the READMEs' tables stand for the code's settings here.
Metrics are read from the code itself.
"""

import json
import re

from checks.templates import INFRA, of_type

ROOT = INFRA.parent
# Resource of a template -> package in functions/.
FUNCTIONS = {
    "ChangeHandler": "change-handler",
    "Refresher": "refresher",
    "LagMonitor": "lag-monitor",
    "Provisioner": "provisioner",
}
# Settings that templates leave alone, each with its reason.
LEFT_ALONE = {
    "WAREHOUSE_DB_USER": "database users follow from the roles; a fixed one would be shared by all functions",
    "WAREHOUSE_SECRET_ARN": "the functions log in with IAM; no password exists",
    "DEADLINE_MARGIN_MS": "the default fits the timeouts that the templates set",
}
# Parameter -> setting whose default it repeats.
REPEATED_DEFAULTS = {
    "MaxRowsPerMerge": "MAX_ROWS_PER_MERGE",
    "BehindAfterMs": "BEHIND_AFTER_MS",
    "StoppedAfterMs": "STOPPED_AFTER_MS",
}


def settings(package):
    """Name -> default of a function's settings, from its README's table."""
    readme = (ROOT / "functions" / package / "README.md").read_text(encoding="utf-8")
    table = readme.split("## Settings", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([A-Z_]+)` \| [^|]+ \| ([^|]+) \|", table, re.MULTILINE)
    return {name: default.strip().strip("`") for name, default in rows}


def settings_findings(resources, source):
    """Environment variables of the templates against the settings that the functions read."""
    functions = dict(of_type(resources, "AWS::Lambda::Function"))
    for name, package in FUNCTIONS.items():
        read = settings(package)
        if not read:
            yield f"functions/{package}/README.md has no table of settings"
        given = set(functions[name].get("Environment", {}).get("Variables", {}))
        for extra in sorted(given - set(read)):
            yield f"{name}: sets {extra}, which {package} does not read"
        for missing in sorted(set(read) - given - set(LEFT_ALONE)):
            yield f"{name}: {package} reads {missing}, which the template neither sets nor lists in LEFT_ALONE"
        for left in sorted(given & set(LEFT_ALONE)):
            yield f"{name}: sets {left}, which LEFT_ALONE says it does not: {LEFT_ALONE[left]}"
        for parameter, setting in REPEATED_DEFAULTS.items():
            default = str(source["Parameters"][parameter]["Default"])
            if setting in read and read[setting] != default:
                yield f"parameter {parameter} is {default} by default, {package}'s {setting} is {read[setting]}"


def namespace():
    """The CloudWatch namespace in the code."""
    return re.search(r'NAMESPACE: &str = "([^"]+)"', _rust("shared/function-kit/src/telemetry.rs")).group(1)


def emitted():
    """(function, metric) -> the sets of dimensions with which the code publishes it."""
    telemetry = _rust("shared/function-kit/src/telemetry.rs")
    always = re.search(r"let mut dimensions = vec!\[([^\]]+)\]", telemetry).group(1)
    always = frozenset(re.findall(r'"([a-z_]+)"', always))
    with_table = always | {re.search(r'dimensions\.push\("([a-z_]+)"\)', telemetry).group(1)}
    names = _constants(telemetry)
    result = {}
    for package, file in (("change-handler", "summary.rs"), ("refresher", "answer.rs")):
        text = _rust(f"functions/{package}/src/{file}")
        before = 0
        # A call publishes the metrics that it names, or that the loop around it names since the call before.
        for call in re.finditer(r"metrics\s*\.(?:count|record)\(([^;]*);", text):
            dimensions = with_table if call.group(1).lstrip().startswith("Some(") else always
            for constant in re.findall(r"metric::([A-Z_]+)", text[before : call.end()]):
                result.setdefault((package, names[constant]), set()).add(dimensions)
            before = call.end()
    monitor = _rust("functions/lag-monitor/src/metrics.rs")
    own = _constants(monitor)
    for constant, per in re.findall(r'\(\s*([A-Z_]+),\s*"(table|pipeline)"', monitor):
        result.setdefault(("lag-monitor", own[constant]), set()).add(with_table if per == "table" else always)
    return result


def _rust(path):
    return (ROOT / path).read_text(encoding="utf-8").split("#[cfg(test)]", 1)[0]


def _constants(text):
    return dict(re.findall(r'pub const ([A-Z_]+): Metric = Metric::(?:count|millis)\("([a-z_]+)"\)', text))


def used(resources):
    """(where, metric, dimensions, function or None) of our own metrics in alarms and dashboards."""
    ours = namespace()
    for name, properties in of_type(resources, "AWS::CloudWatch::Alarm"):
        if properties.get("Namespace") == ours:
            dimensions = {one["Name"]: one["Value"] for one in properties["Dimensions"]}
            yield name, properties["MetricName"], frozenset(dimensions), dimensions.get("function")
        for query in properties.get("Metrics", []):
            found = re.fullmatch(
                r'SELECT [A-Z]+\(([a-z_]+)\) FROM SCHEMA\("([^"]+)", ([^)]+)\) WHERE .*', query["Expression"]
            )
            if not found or found.group(2) != ours:
                yield name, f"(not understood: {query['Expression']})", frozenset(), None
                continue
            yield name, found.group(1), frozenset(re.findall(r'"([^"]+)"', found.group(3))), None
    for name, properties in of_type(resources, "AWS::CloudWatch::Dashboard"):
        for widget in json.loads(properties["DashboardBody"])["widgets"]:
            where = f"{name}, {widget['properties'].get('title', 'text')}"
            for row in widget["properties"].get("metrics", []):
                yield from _row(where, row, ours)


def _row(where, row, ours):
    if isinstance(row[0], dict):
        found = re.search(r'SEARCH\(\'\{([^}]+)\} MetricName="(\w+)"(.*?)\'', row[0]["expression"])
        parts = [part.strip('" ') for part in found.group(1).split(",")]
        if parts[0] == ours:
            function = re.search(r'function="([^"]+)"', found.group(3))
            yield where, found.group(2), frozenset(parts[1:]), function and function.group(1)
    elif row[0] == ours:
        pairs = row[2:-1] if isinstance(row[-1], dict) else row[2:]
        dimensions = dict(zip(pairs[::2], pairs[1::2]))
        yield where, row[1], frozenset(dimensions), dimensions.get("function")


def metrics_findings(resources):
    """Metrics of alarms and dashboards against those that the functions publish; an alarm on one function's metric has
    one for each function that publishes it, or what happens in the other is seen by nobody."""
    published = emitted()
    alarmed = {}
    for name, properties in of_type(resources, "AWS::CloudWatch::Alarm"):
        if properties.get("Namespace") == namespace():
            dimensions = {one["Name"]: one["Value"] for one in properties["Dimensions"]}
            alarmed.setdefault((properties["MetricName"], frozenset(dimensions)), set()).add(dimensions.get("function"))
    for (metric, dimensions), functions in alarmed.items():
        for (package, name), sets in published.items():
            if name == metric and dimensions in sets and package not in functions:
                yield f"{package} publishes {metric} as well, and no alarm watches it there"
    for where, metric, dimensions, function in used(resources):
        candidates = [sets for (package, name), sets in published.items()
                      if name == metric and function in (None, package)]
        if not candidates:
            yield f"{where}: {function or 'no function'} does not publish {metric}"
        elif not any(dimensions in sets for sets in candidates):
            known = sorted(sorted(one) for sets in candidates for one in sets)
            yield f"{where}: {metric} has the dimensions {known}, not {sorted(dimensions)}"
