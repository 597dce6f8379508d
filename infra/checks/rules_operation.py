"""Our own rules on resolved templates, second part: that a pipeline runs, loses nothing, and says when it does not.

Each rule takes the resources of one deployment and gives findings, one line each. No finding is the gate.
"""

import json
import re

from checks.templates import of_type, statements

# What Lambda calls a success although it is none: see functions/change-handler.
_PARTIAL = "ReportBatchItemFailures"


def mappings_are_safe(resources):
    """One topic each, from its beginning, retried for ever, in groups of their own; the response mode fits the mode."""
    functions = dict(of_type(resources, "AWS::Lambda::Function"))
    mappings = of_type(resources, "AWS::Lambda::EventSourceMapping")
    if not mappings:
        yield "there is no event source mapping"
    groups = [properties.get("AmazonManagedKafkaEventSourceConfig", {}).get("ConsumerGroupId") for _, properties in mappings]
    if None in groups or len(set(groups)) != len(groups):
        yield f"consumer groups {groups}: each mapping needs its own, or two share a topic's records"
    if len({json.dumps(properties.get("ProvisionedPollerConfig", {}).get("PollerGroupName")) for _, properties in mappings}) > 1:
        yield "mappings do not share one poller group"
    for name, properties in mappings:
        provisioned = "ProvisionedPollerConfig" in properties
        partial = properties.get("FunctionResponseTypes") == [_PARTIAL]
        handler = functions.get(properties["FunctionName"].get("ref"), {})
        mode = handler.get("Environment", {}).get("Variables", {}).get("RESPONSE_MODE")
        if partial != provisioned:
            yield f"{name}: {_PARTIAL} goes with provisioned mode, and only with it: others take a partial response for success"
        if mode != ("partial" if provisioned else "whole"):
            yield f"{name}: RESPONSE_MODE is {mode}, and provisioned mode is {'on' if provisioned else 'off'}"
        if str(properties.get("Enabled", True)).lower() != "true":
            yield f"{name}: is switched off"
        if len(properties.get("Topics", [])) != 1:
            yield f"{name}: a mapping carries exactly one topic"
        if properties.get("StartingPosition") != "TRIM_HORIZON":
            yield f"{name}: starts at {properties.get('StartingPosition')}; records before it would never be vouched for"
        if str(properties.get("MaximumRetryAttempts", -1)) != "-1":
            yield f"{name}: gives up after {properties['MaximumRetryAttempts']} retries"
        if str(properties.get("MaximumRecordAgeInSeconds", -1)) != "-1":
            yield f"{name}: drops records older than {properties['MaximumRecordAgeInSeconds']} s"
        if properties.get("FilterCriteria"):
            yield f"{name}: a filter acknowledges records that it drops"
        if properties["FunctionName"].get("ref") != "ChangeHandler" or properties["EventSourceArn"] != mappings[0][1]["EventSourceArn"]:
            yield f"{name}: hands records of {properties['EventSourceArn']} to {properties['FunctionName']}"
        if properties.get("SourceAccessConfigurations"):
            yield f"{name}: logs in another way than with IAM"


def no_failure_destination(resources):
    """With a failure destination unlimited retries become at most ten. It has to be asked for."""
    for name, properties in of_type(resources, "AWS::Lambda::EventSourceMapping"):
        if properties.get("DestinationConfig"):
            yield f"{name}: has a failure destination that nobody asked for"


def functions_are_ours(resources):
    """Four functions, each with a role and a package of its own, on the runtime that the binaries are built for."""
    functions = of_type(resources, "AWS::Lambda::Function")
    roles = [json.dumps(properties["Role"]) for _, properties in functions]
    if len(functions) != 4 or len(set(roles)) != 4:
        yield f"{len(functions)} functions with {len(set(roles))} roles; four of each, as each is a database user"
    for name, properties in functions:
        inside = {json.dumps(group) for group in properties.get("VpcConfig", {}).get("SecurityGroupIds", [])}
        if bool(inside) == (name == "ChangeHandler"):
            yield f"{name}: {'in' if inside else 'not in'} the VPC; all but change-handler ask the brokers themselves"
        foreign = [one for one in properties.get("Layers", []) if not isinstance(one, dict) or not resources.get(one.get("ref"), {}).get("Type", "").endswith("LayerVersion")]
        if foreign:
            yield f"{name}: has the layers {foreign}, whose code would run in it"
        package = f"{re.sub('(?<!^)(?=[A-Z])', '-', name).lower()}.zip"
        if not str(properties.get("Code", {}).get("S3Key", "")).endswith(package):
            yield f"{name}: runs {properties.get('Code')}, not {package}"
        reserved = properties.get("ReservedConcurrentExecutions")
        if reserved is not None and (name, str(reserved)) != ("Provisioner", "1"):
            yield f"{name}: reserves {reserved} executions; only the provisioner runs one at a time, and 0 would stop a function"
        if properties.get("Runtime") != "provided.al2023" or properties.get("Handler") != "bootstrap":
            yield f"{name}: runtime {properties.get('Runtime')}, handler {properties.get('Handler')}"


def schedules_do_not_lose_ticks(resources):
    """Each schedule retries, and keeps what it cannot deliver in an encrypted queue."""
    schedules = of_type(resources, "AWS::Scheduler::Schedule")
    if len(schedules) != 2:
        yield f"{len(schedules)} schedules; refresher and lag-monitor need one each"
    if sorted(str(properties["Target"]["Arn"]) for _, properties in schedules) != sorted(str({"att": f"{name}.Arn"}) for name in ("Refresher", "LagMonitor")):
        yield f"schedules invoke {[properties['Target']['Arn'] for _, properties in schedules]}"
    for name, properties in schedules:
        target = properties["Target"]
        if target.get("Input", "{}") != "{}":
            yield f"{name}: asks for {target['Input']}, not for whatever is due"
        if properties.get("FlexibleTimeWindow", {}).get("Mode") != "OFF":
            yield f"{name}: ticks when it likes"
        if properties.get("State", "ENABLED") != "ENABLED":
            yield f"{name}: is switched off"
        if properties.get("EndDate") or not re.fullmatch(r"rate\(.+\)|cron\(.+\)", properties["ScheduleExpression"]):
            yield f"{name}: {properties['ScheduleExpression']} ends"
        if int(target.get("RetryPolicy", {}).get("MaximumRetryAttempts", 0)) < 1:
            yield f"{name}: no retry"
        if "DeadLetterConfig" not in target:
            yield f"{name}: no dead-letter queue"
    for name, properties in of_type(resources, "AWS::SQS::Queue"):
        if str(properties.get("SqsManagedSseEnabled")).lower() != "true":
            yield f"{name}: not encrypted"
        if int(properties.get("MessageRetentionPeriod", 345_600)) < 345_600:
            yield f"{name}: forgets undelivered ticks before a long weekend is over"
    guarded = {
        queue.get("ref")
        for _, properties in of_type(resources, "AWS::SQS::QueuePolicy")
        for queue in properties["Queues"]
        for statement in statements(properties["PolicyDocument"])
        if statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    }
    for name, _ in of_type(resources, "AWS::SQS::Queue"):
        if name not in guarded:
            yield f"{name}: reachable without TLS"


def provisioning_is_ordered(resources):
    """Tables before mappings and schedules, network before provisioning, data retained."""
    custom = [name for name, one in resources.items() if one["Type"] == "Custom::RedshiftCdcPipeline"]
    if len(custom) != 1:
        yield f"{len(custom)} provisioning resources"
        return
    provisioning = resources[custom[0]]
    if provisioning["Properties"].get("OnDelete") != "retain":
        yield f"{custom[0]}: deleting the stack would drop tables"
    function = resources[provisioning["Properties"]["ServiceToken"]["att"].split(".")[0]]["Properties"]
    if int(provisioning["Properties"].get("ServiceTimeout", 3600)) <= int(function["Timeout"]):
        yield f"{custom[0]}: CloudFormation gives up before the provisioner does, and does not hear its reason"
    if not any(isinstance(value, dict) for key, value in provisioning["Properties"].items() if key != "ServiceToken"):
        yield f"{custom[0]}: nothing in it changes with the pipeline file, so that no update would be sent"
    rules = {name for name, _ in of_type(resources, "AWS::EC2::SecurityGroupIngress")}
    if not rules & set(provisioning["DependsOn"]):
        yield f"{custom[0]}: does not wait for the rule that lets it reach the brokers"
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::Scheduler::Schedule"):
        for name, _ in of_type(resources, kind):
            if custom[0] not in resources[name]["DependsOn"]:
                yield f"{name}: does not wait for {custom[0]}"


def alarms_watch_what_matters(resources):
    """Freshness, standing watermarks, refused records, pollers, failures, dead letters; the first one counts, and soon."""
    watched = set()
    failing = set()
    for name, properties in of_type(resources, "AWS::CloudWatch::Alarm"):
        if (str(properties.get("Threshold")), properties.get("ComparisonOperator")) != ("0", "GreaterThanThreshold"):
            yield f"{name}: is silent up to {properties.get('Threshold')}; the first one counts"
        if str(properties.get("ActionsEnabled", True)).lower() != "true":
            yield f"{name}: its actions are switched off"
        period = properties.get("Period") or properties["Metrics"][0]["Period"]
        if int(period) * int(properties.get("EvaluationPeriods", 0)) > 900:
            yield f"{name}: tells after more than a quarter of an hour"
        if properties.get("MetricName") == "Errors":
            failing.add(json.dumps(properties["Dimensions"][0]["Value"]))
        watched.add(properties.get("MetricName"))
    needed = ["behind_tables", "stopped_tables", "unknown_tables", "unknown_topic_records", "topic_recreated_records",
              "lost_records", "held_rows", "Errors", "ApproximateNumberOfMessagesVisible"]
    mappings = dict(of_type(resources, "AWS::Lambda::EventSourceMapping"))
    if any("ProvisionedPollerConfig" in properties for properties in mappings.values()):
        needed.append("PollingErrorCount")
        if any("DestinationConfig" in properties for properties in mappings.values()):
            needed.append("OnFailureDestinationDeliveredEventCount")
    for metric in needed:
        if metric not in watched:
            yield f"no alarm watches {metric}"
    if len(failing) != len(of_type(resources, "AWS::Lambda::Function")):
        yield f"{len(failing)} functions' errors are watched"
    for metric in ("PollingErrorCount", "OnFailureDestinationDeliveredEventCount"):
        seen = {properties["Dimensions"][0]["Value"]["ref"] for _, properties in of_type(resources, "AWS::CloudWatch::Alarm") if properties.get("MetricName") == metric}
        if metric in needed and seen != set(mappings):
            yield f"{metric} is watched for {sorted(seen)}, mappings are {sorted(mappings)}"


# What an alarm looks at, where it is not the sum of what happened: the state of tables, the length of a queue. A table
# that is behind for a moment is not late.
_STATISTIC = {"behind_tables": "Minimum", "unknown_tables": "Minimum", "stopped_tables": "Maximum", "held_rows": "Maximum",
              "unprovisioned_tables": "Maximum", "ApproximateNumberOfMessagesVisible": "Maximum"}
_SILENCE = {"behind_tables": "breaching", "stopped_tables": "breaching", "unknown_tables": "breaching"}


def alarms_count_right(resources):
    """Statistic, missing data and the number of points that count are those of the metric."""
    for name, properties in of_type(resources, "AWS::CloudWatch::Alarm"):
        metric = properties.get("MetricName")
        if metric and properties.get("Statistic") != _STATISTIC.get(metric, "Sum"):
            yield f"{name}: the {properties.get('Statistic') or properties.get('ExtendedStatistic')} of {metric}"
        # Refresher tells at each tick only; in between its last answer holds.
        by_tick = {"Name": "function", "Value": "refresher"} in properties.get("Dimensions", [])
        silence = "ignore" if by_tick else _SILENCE.get(metric, "notBreaching")
        if properties.get("TreatMissingData") != silence:
            yield f"{name}: missing data is {properties.get('TreatMissingData')}, not {silence}"
        if str(properties.get("DatapointsToAlarm", properties.get("EvaluationPeriods"))) != str(properties.get("EvaluationPeriods")):
            yield f"{name}: another number of points to alarm than of periods"


# Metric and function: the provisioner can do something about it, and is asked by the alarm.
_FOR_THE_PROVISIONER = {("held_rows", "change-handler"), ("held_rows", "refresher"), ("unprovisioned_tables", "refresher")}


def the_provisioner_is_asked(resources):
    """Where records wait for a schema change or a table, in whichever function's merges, the provisioner is asked, and
    may be."""
    asked = set()
    for name, properties in of_type(resources, "AWS::CloudWatch::Alarm"):
        function = next((one["Value"] for one in properties.get("Dimensions", []) if one["Name"] == "function"), None)
        if (properties.get("MetricName"), function) not in _FOR_THE_PROVISIONER:
            continue
        asked.add((properties["MetricName"], function))
        if {"att": "Provisioner.Arn"} not in properties.get("AlarmActions", []):
            yield f"{name}: does not ask the provisioner"
        permitted = [one for _, one in of_type(resources, "AWS::Lambda::Permission")
                     if one.get("SourceArn") == {"att": f"{name}.Arn"} and one.get("FunctionName") == {"ref": "Provisioner"}]
        if not permitted:
            yield f"{name}: may not invoke the provisioner"
    for metric, function in sorted(_FOR_THE_PROVISIONER - asked):
        yield f"{metric} of {function} is not watched"


def what_was_asked_for_is_used(resources):
    """With a topic for alarms every alarm tells it, with a key every log group is encrypted with it, and the alarms that
    are queries are there."""
    queries = " ".join(str(properties.get("Metrics")) for _, properties in of_type(resources, "AWS::CloudWatch::Alarm"))
    for metric in ("quarantined_records", "scan_error_records") if "Mapping1" in resources else ():
        if f"MAX({metric})" not in queries:
            yield f"no alarm watches {metric}"
    for name, properties in of_type(resources, "AWS::CloudWatch::Alarm"):
        for actions in ("AlarmActions", "OKActions"):
            if not any(":sns:" in str(one) for one in properties.get(actions, [])):
                yield f"{name}: {actions} does not tell the topic"
    for name, properties in of_type(resources, "AWS::Logs::LogGroup"):
        if ":kms:" not in str(properties.get("KmsKeyId")):
            yield f"{name}: is not encrypted with the key that was given"
