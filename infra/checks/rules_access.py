"""Our own rules on resolved templates, first part: who may do what, who is let in, what is written down.

Each rule takes the resources of one deployment and gives findings, one line each. No finding is the gate.
"""

import fnmatch
import functools
import json
import re
from importlib import resources as package_files

from checks.templates import PSEUDO, as_list, of_type, policy_documents, statements

BROKER_PORT = "9098"
_SECRET_NAME = re.compile(r"password|passwd|secret(?!smanager)|token(?!s$)|access_?key|credential", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\{\{resolve:")
# "*", "service:*" and "type/*": every resource of a kind, of all pipelines.
_ANY_RESOURCE = re.compile(r"^(\*|arn:[^:]*:s3:::\*.*|arn:[^:]*:(?!s3:)[^:]*:[^:]*:[^:]*:(\*|[a-z-]+[:/]\*))$")


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


def roles_have_our_policies_only(resources):
    """No policy of AWS's or anybody's, which a gate could not read, is attached to a role."""
    ours = {name for name, _ in of_type(resources, "AWS::IAM::ManagedPolicy")}
    for name, properties in of_type(resources, "AWS::IAM::Role"):
        for attached in properties.get("ManagedPolicyArns", []):
            if not isinstance(attached, dict) or attached.get("ref") not in ours:
                yield f"{name}: has the policy {_text(attached)}, which is none of the stack's"
    for name, properties in of_type(resources, "AWS::IAM::ManagedPolicy"):
        if {"Roles", "Users", "Groups"} & set(properties):
            yield f"{name}: attaches itself to roles, users or groups that may be anybody's"


# What a deployment is made of. Anything else opens a door or costs something, and is read before it is added here.
_KINDS = {
    "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress",
    "AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::KafkaConnect::Connector", "AWS::KafkaConnect::CustomPlugin",
    "AWS::KafkaConnect::WorkerConfiguration", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function", "AWS::Lambda::LayerVersion", "AWS::Lambda::Permission", "AWS::Logs::LogGroup",
    "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule", "Custom::RedshiftCdcPipeline",
}


def nothing_else_is_made(resources):
    """No kind of resource that nobody has read: function URLs, event rules, buckets, users, keys."""
    for name, one in sorted(resources.items()):
        if one["Type"] not in _KINDS:
            yield f"{name}: is a {one['Type']}"


# Services that the documents let assume a role without further conditions: Lambda's execution roles (AWS Lambda
# Developer Guide, "Defining Lambda function permissions with an execution role"), and Redshift's (Amazon Redshift
# Management Guide, "Authorizing Amazon Redshift to access AWS services on your behalf").
_TRUSTED_WITHOUT_CONDITION = {"lambda.amazonaws.com", "redshift.amazonaws.com", "redshift-serverless.amazonaws.com"}


def other_accounts_cannot_use_our_roles(resources):
    """A service that acts for many accounts assumes our role for ours only (the confused deputy problem)."""
    for name, properties in of_type(resources, "AWS::IAM::Role"):
        for statement in statements(properties["AssumeRolePolicyDocument"]):
            if statement.get("Action") != "sts:AssumeRole":
                yield f"{name}: trusts with {statement.get('Action')}"
            bound = statement.get("Condition") == {"StringEquals": {"aws:SourceAccount": PSEUDO["AWS::AccountId"]}}
            if not bound and not set(as_list(statement["Principal"].get("Service", []))) <= _TRUSTED_WITHOUT_CONDITION:
                yield f"{name}: trusts {json.dumps(statement['Principal'])} for every account; aws:SourceAccount is missing"


def resource_policies_are_closed(resources):
    """Nobody but one service for one of our resources is let in from outside."""
    for name, properties in of_type(resources, "AWS::Lambda::Permission"):
        if not re.fullmatch(r"[a-z.-]+\.amazonaws\.com", _text(properties.get("Principal"))):
            yield f"{name}: lets {properties.get('Principal')} in; only a service may invoke"
        if "SourceArn" not in properties or properties.get("SourceAccount") != PSEUDO["AWS::AccountId"]:
            yield f"{name}: without SourceArn and SourceAccount anybody's resource could make the service invoke"
        if properties.get("Action") != "lambda:InvokeFunction":
            yield f"{name}: allows {properties.get('Action')}"
    for name, properties in of_type(resources, "AWS::SQS::QueuePolicy"):
        for statement in statements(properties["PolicyDocument"]):
            if statement["Effect"] != "Deny":
                yield f"{name}: lets {json.dumps(statement['Principal'])} in; senders use their own role"


_OWN_STATEMENTS = {"StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"}}


def conditions_limit(resources):
    """A condition names what it limits to; of the warehouse's statements a role sees its own only."""
    for name, policy, document in policy_documents(resources):
        for statement in statements(document):
            where = f"{name}/{policy}/{statement.get('Sid', '(no Sid)')}"
            actions = as_list(statement.get("Action", []))
            for operator, pairs in statement.get("Condition", {}).items():
                for key, value in pairs.items():
                    if statement["Effect"] == "Allow" and ("Like" in operator or any("*" in _text(one) or not _text(one) for one in as_list(value))):
                        yield f"{where}: {operator} {key} {value} limits to nothing"
            owned = [one for one in actions if re.fullmatch(r"redshift-data:(Describe|Cancel|List|GetStatement)\w*", one)]
            if owned and statement["Effect"] == "Allow" and statement.get("Condition") != _OWN_STATEMENTS:
                yield f"{where}: {owned} of everybody's statements"
            if any(one.startswith("s3:") for one in actions) and "aws:ResourceAccount" not in _text(statement.get("Condition")):
                yield f"{where}: a bucket of anybody's account"


def code_manages_no_network(resources):
    """Lambda needs network interfaces with the function's role; the function's code does not."""
    for name, _policy, document in policy_documents(resources):
        allowed = {action for one in statements(document) if one["Effect"] == "Allow" for action in as_list(one["Action"])}
        denied = {action for one in statements(document) if one["Effect"] == "Deny" and "lambda:SourceFunctionArn" in _text(one.get("Condition"))
                  for action in as_list(one["Action"])}
        open_to_code = {action for action in allowed if action.startswith("ec2:") and not action.startswith("ec2:Describe")} - denied
        if open_to_code:
            yield f"{name}: the functions' code may {sorted(open_to_code)}"


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
    return _only_ports(resources, {BROKER_PORT, "3306", "5432"})


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


def mappings_may_what_they_do(resources):
    """change-handler's role, with which the pollers read, may read each mapping's topic in the mapping's group."""
    may = {"kafka-cluster:ReadData": set(), "kafka-cluster:AlterGroup": set()}
    for name, _policy, document in policy_documents(resources):
        for statement in statements(document):
            for action in set(as_list(statement.get("Action", []))) & set(may) if name == "ChangeHandlerRole" else ():
                may[action] |= {_text(one).split("/", 3)[-1] for one in as_list(statement["Resource"])}
    for name, properties in of_type(resources, "AWS::Lambda::EventSourceMapping"):
        group = properties.get("AmazonManagedKafkaEventSourceConfig", {}).get("ConsumerGroupId", "")
        for action, wanted in (("kafka-cluster:ReadData", properties["Topics"][0]), ("kafka-cluster:AlterGroup", group)):
            if not any(fnmatch.fnmatchcase(wanted, pattern) for pattern in may[action]):
                yield f"{name}: the pollers may not {action} {wanted}, only {sorted(may[action])}"


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
