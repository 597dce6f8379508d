"""Our own rules on resolved templates: what a security reviewer would ask, as code.

Each rule takes the resources of one deployment and gives findings, one line each. No finding is the gate.
"""

import functools
import json
import re
from importlib import resources as package_files

from checks.templates import as_list, policy_documents, statements

BROKER_PORT = "9098"
_SECRET_NAME = re.compile(r"password|passwd|secret(?!smanager)|token(?!s$)|access_?key|credential", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\{\{resolve:")
# "*", "service:*" and "type/*": every resource of a kind, of all pipelines.
_ANY_RESOURCE = re.compile(r"^(\*|arn:[^:]*:s3:::\*.*|arn:[^:]*:(?!s3:)[^:]*:[^:]*:[^:]*:(\*|[a-z-]+[:/]\*))$")
# What Lambda calls a success although it is none: see functions/change-handler.
_PARTIAL = "ReportBatchItemFailures"


def of_type(resources, kind):
    """(name, properties) of one type."""
    return [(name, one["Properties"]) for name, one in sorted(resources.items()) if one["Type"] == kind]


def no_wildcard_without_condition(resources):
    """Statements name their resources; where an action knows none, a condition limits it. Actions are spelt out."""
    for name, policy, document in policy_documents(resources):
        for statement in statements(document):
            where = f"{name}/{policy}/{statement.get('Sid', '(no Sid)')}"
            if "Sid" not in statement:
                yield f"{where}: a statement without a Sid cannot be discussed"
            if "NotAction" in statement or "NotResource" in statement:
                yield f"{where}: allows everything but something"
            for action in as_list(statement.get("Action", [])):
                if "*" in action:
                    yield f"{where}: action {action} is a wildcard"
            for resource in as_list(statement.get("Resource", [])):
                if _ANY_RESOURCE.match(_text(resource)) and not statement.get("Condition"):
                    yield f"{where}: resource {resource} without a condition"


def topics_are_the_pipelines(resources):
    """Topics by their whole first part: salesdb.*, not salesdb*, which would be salesdb2 as well."""
    for name, policy, document in policy_documents(resources):
        for statement in statements(document):
            for resource in as_list(statement.get("Resource", [])):
                topic = re.fullmatch(r"arn:[^:]*:kafka:[^:]*:[^:]*:topic/[^/]+/[^/]+/(.*)", _text(resource))
                # MSK Connect names its own topics so, with the connector's name and id behind.
                if topic and "*" in topic.group(1) and not re.fullmatch(r"[A-Za-z0-9._-]+\.\*|__amazon_msk_connect_\*", topic.group(1)):
                    yield f"{name}/{policy}/{statement.get('Sid', '(no Sid)')}: topics {topic.group(1)}"


def only_services_are_trusted(resources):
    """Roles are assumed by AWS services, never by accounts or everybody."""
    for name, properties in of_type(resources, "AWS::IAM::Role"):
        for statement in statements(properties["AssumeRolePolicyDocument"]):
            if set(statement["Principal"]) != {"Service"}:
                yield f"{name}: trusts {json.dumps(statement['Principal'])}; only services may assume it"


def actions_exist_and_take_their_resources(resources):
    """Each action exists and can apply to the statement's resources; otherwise it grants nothing.

    The list of actions is cfn-lint's copy of AWS's service authorization reference.
    """
    known = _authorization_reference()
    for name, policy, document in policy_documents(resources):
        for statement in statements(document):
            where = f"{name}/{policy}/{statement.get('Sid', '(no Sid)')}"
            given = [_text(resource) for resource in as_list(statement.get("Resource", []))]
            for action in as_list(statement.get("Action", [])):
                service, _, verb = action.partition(":")
                if service not in known or verb.lower() not in known[service]["Actions"]:
                    yield f"{where}: there is no action {action}"
                    continue
                kinds = (known[service]["Actions"][verb.lower()] or {}).get("Resources", [])
                if not kinds and given != ["*"]:
                    yield f"{where}: {action} knows no resource, so that only * grants it"
                formats = [
                    re.sub(r"\$\{[A-Za-z]+\}", "[^:]*", arn)
                    for kind in kinds
                    for arn in known[service]["Resources"][kind.lower()]["ARNFormats"]
                ]
                if kinds and not any(re.fullmatch(one, resource) for one in formats for resource in given if "arn:" in resource):
                    if not any(resource.startswith("<att ") or "att" in resource for resource in given):
                        yield f"{where}: {action} takes {kinds}, and no resource of the statement is one"


@functools.cache
def _authorization_reference():
    text = package_files.files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text(encoding="utf-8")
    return json.loads(text)


def _text(value):
    return value if isinstance(value, str) else json.dumps(value)


def only_the_broker_port_is_opened(resources):
    """Into the brokers' group on 9098 and from a group, never from addresses; out of ours to 9098 and 443."""
    return _only_ports(resources, {BROKER_PORT})


def only_broker_and_database_ports_are_opened(resources):
    """The connector reaches the database besides."""
    return _only_ports(resources, {BROKER_PORT, "3306"})


def _only_ports(resources, allowed):
    for name, properties in of_type(resources, "AWS::EC2::SecurityGroupIngress"):
        yield from _ingress(name, properties, allowed)
    for name, properties in of_type(resources, "AWS::EC2::SecurityGroup"):
        for rule in properties.get("SecurityGroupIngress", []):
            yield from _ingress(name, rule, allowed)
        egress = properties.get("SecurityGroupEgress")
        if not egress:
            yield f"{name}: without SecurityGroupEgress everything may go out"
        for rule in egress or []:
            ports = (str(rule.get("FromPort")), str(rule.get("ToPort")))
            to_group = ports[0] == ports[1] and ports[0] in allowed and "DestinationSecurityGroupId" in rule
            if rule.get("IpProtocol") != "tcp" or not (to_group or ports == ("443", "443")):
                yield f"{name}: lets {rule.get('IpProtocol')} {'-'.join(ports)} out"


def _ingress(name, rule, allowed):
    ports = (str(rule.get("FromPort")), str(rule.get("ToPort")))
    if rule.get("IpProtocol") != "tcp" or ports[0] != ports[1] or ports[0] not in allowed:
        yield f"{name}: opens {rule.get('IpProtocol')} {'-'.join(ports)}; only tcp {', '.join(sorted(allowed))} is needed"
    if "SourceSecurityGroupId" not in rule or any(key.startswith("Cidr") for key in rule):
        yield f"{name}: is open to addresses; name a security group"


def logs_are_kept_for_a_time(resources):
    """Each function writes to a log group of its own that the stack made, with a retention."""
    groups = dict(of_type(resources, "AWS::Logs::LogGroup"))
    for name, properties in groups.items():
        if not properties.get("RetentionInDays"):
            yield f"{name}: no retention; logs would be kept for ever"
    for name, properties in of_type(resources, "AWS::Lambda::Function"):
        group = properties.get("LoggingConfig", {}).get("LogGroup", {})
        if not isinstance(group, dict) or group.get("ref") not in groups:
            yield f"{name}: LoggingConfig.LogGroup is none of the stack's log groups, so Lambda makes one without retention"


def no_static_secrets(resources):
    """Nothing that looks like a credential, under any name."""
    for name, resource in sorted(resources.items()):
        for path, value in _leaves(resource["Properties"], name):
            # MSK Connect's workers put the secret's value in the place of such a reference.
            referred = isinstance(value, str) and re.fullmatch(r"\$\{secretManager:[^:}]+:\w+\}", value)
            if _SECRET_NAME.search(path.rsplit(".", 1)[-1]) and value not in ("", None) and not referred:
                yield f"{path}: a credential in the template; functions log in with IAM"
            if isinstance(value, str) and _SECRET_VALUE.search(value):
                yield f"{path}: looks like a credential"


def _leaves(node, path):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _leaves(value, f"{path}[{index}]")
    else:
        yield path, node


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


def no_failure_destination(resources):
    """With a failure destination unlimited retries become at most ten. It has to be asked for."""
    for name, properties in of_type(resources, "AWS::Lambda::EventSourceMapping"):
        if properties.get("DestinationConfig"):
            yield f"{name}: has a failure destination that nobody asked for"


def functions_are_ours(resources):
    """Four functions, each with a role of its own, on the runtime that the binaries are built for."""
    functions = of_type(resources, "AWS::Lambda::Function")
    roles = [json.dumps(properties["Role"]) for _, properties in functions]
    if len(functions) != 4 or len(set(roles)) != 4:
        yield f"{len(functions)} functions with {len(set(roles))} roles; four of each, as each is a database user"
    for name, properties in functions:
        if properties.get("Runtime") != "provided.al2023" or properties.get("Handler") != "bootstrap":
            yield f"{name}: runtime {properties.get('Runtime')}, handler {properties.get('Handler')}"


def schedules_do_not_lose_ticks(resources):
    """Each schedule retries, and keeps what it cannot deliver in an encrypted queue."""
    schedules = of_type(resources, "AWS::Scheduler::Schedule")
    if len(schedules) != 2:
        yield f"{len(schedules)} schedules; refresher and lag-monitor need one each"
    for name, properties in schedules:
        target = properties["Target"]
        if int(target.get("RetryPolicy", {}).get("MaximumRetryAttempts", 0)) < 1:
            yield f"{name}: no retry"
        if "DeadLetterConfig" not in target:
            yield f"{name}: no dead-letter queue"
    for name, properties in of_type(resources, "AWS::SQS::Queue"):
        if str(properties.get("SqsManagedSseEnabled")).lower() != "true":
            yield f"{name}: not encrypted"
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
    """Freshness, standing watermarks, quarantine, refused records, pollers, failures, dead letters; silence breaches."""
    watched = {}
    for name, properties in of_type(resources, "AWS::CloudWatch::Alarm"):
        watched[properties.get("MetricName") or "quarantined_records"] = (name, properties)
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
    if "held_rows" in watched and not watched["held_rows"][1].get("AlarmActions"):
        yield f"{watched['held_rows'][0]}: nothing takes a schema change in"
    for metric in ("behind_tables", "stopped_tables", "unknown_tables"):
        if metric in watched and watched[metric][1].get("TreatMissingData") != "breaching":
            yield f"{watched[metric][0]}: a silent lag-monitor would look healthy"


# Rules for every deployment.
ALWAYS = (
    no_wildcard_without_condition,
    topics_are_the_pipelines,
    only_services_are_trusted,
    actions_exist_and_take_their_resources,
    logs_are_kept_for_a_time,
    no_static_secrets,
)
# Rules for every pipeline.
PIPELINE = (
    only_the_broker_port_is_opened,
    mappings_are_safe,
    functions_are_ours,
    schedules_do_not_lose_ticks,
    alarms_watch_what_matters,
)
# Rules for a pipeline deployed with what the templates choose by default.
BY_DEFAULT = (no_failure_destination, provisioning_is_ordered)


def findings(resources, *rules):
    """All findings of some rules."""
    return [f"{rule.__name__}: {finding}" for rule in rules for finding in rule(resources)]
