"""Recorded metrics: from logs in the embedded metric format, and from CloudWatch's API.

A series is (namespace, metric, dimensions) -> [(milliseconds, value)], dimensions as sorted pairs.
"""

import json
from collections import defaultdict
from datetime import datetime, timedelta, timezone


def of_logs(lines):
    """The series that CloudWatch would read from log lines."""
    series = defaultdict(list)
    for line in lines:
        start = line.find("{") if '"_aws"' in line else -1
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


def of_log_groups(client, prefix):
    """The series of every log group that begins so."""
    lines = []
    for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        for group in page["logGroups"]:
            for events in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                lines += [event["message"] for event in events["events"]]
    return of_logs(lines)


def of_cloudwatch(client, namespace, statistic="Sum", period_s=5):
    """The series that services put into CloudWatch in the last hour."""
    series = defaultdict(list)
    end = datetime.now(timezone.utc) + timedelta(minutes=1)
    for page in client.get_paginator("list_metrics").paginate(Namespace=namespace):
        for metric in page["Metrics"]:
            key = (namespace, metric["MetricName"], tuple(sorted((one["Name"], one["Value"]) for one in metric["Dimensions"])))
            answer = client.get_metric_statistics(
                Namespace=namespace, MetricName=metric["MetricName"], Dimensions=metric["Dimensions"],
                StartTime=end - timedelta(hours=1), EndTime=end, Period=period_s, Statistics=[statistic],
            )
            points = sorted((int(point["Timestamp"].timestamp() * 1000), point[statistic]) for point in answer["Datapoints"])
            series[key] = points
    return series
