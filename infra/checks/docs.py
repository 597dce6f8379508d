"""Compares what is written for people with the templates: READMEs, example files, `samconfig.toml`, the parameters' groups, the picture."""

import re
import zlib

import yaml

from checks import scenarios, source, templates
from checks.templates import INFRA, of_type

# Metrics that neither an alarm nor the dashboard shows, each with its reason.
SHOWN_NOWHERE = {
    "idle_tables": "the number of tables minus those that were synchronised",
    "kafka_unreachable": "lag-monitor reaches the same brokers, and its unknown_tables alarms",
    "lag_records": "the sum of landing_lag_records and merge_lag_records, which are shown",
    "landed_rows": "applied, deleted and stale rows together",
    "malformed_records": "they stay unsettled, which is shown",
    "pending_rows": "lag-monitor's merge_lag_records says the same of all functions",
    "quarantined_rows": "lag-monitor's quarantined_records says the same of all functions",
    "schema_change_records": "they are acknowledged at once; held_rows alarms on what they lead to",
}
# Properties of the CDK construct that are not parameters of the SAM template under the same name.
CDK_ONLY = {
    "pipelineFile": "the SAM template takes the packaged folder",
    "pipelineFileInFunction": "PipelineFile",
    "topics": "Topic1, Topic2, Topic3",
    "packages": "the SAM template takes infra/dist",
    "warehouse": "WarehouseDatabase, WarehouseWorkgroup, WarehouseWorkgroupArn, WarehouseCluster",
}
SAM_ONLY = {
    "PipelineName": "read from the pipeline file", "TopicPrefix": "read from the pipeline file", "PipelineFile": "pipelineFileInFunction",
    "Topic1": "topics", "Topic2": "topics", "Topic3": "topics", "WarehouseDatabase": "warehouse", "WarehouseWorkgroup": "warehouse",
    "WarehouseWorkgroupArn": "warehouse", "WarehouseCluster": "warehouse",
}


def read(path):
    return (INFRA / path).read_text(encoding="utf-8")


def source_settings_findings(text, connectors):
    """README's table of connector settings against `source.yaml`: both databases' connectors."""
    table = text.split("## The source", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([a-z._]+)` \| ([^|]+) \|", table, re.MULTILINE)
    if len(rows) < 8:
        yield "the table of the connector's settings was not found"
    for name, value in rows:
        stated = dict((database or "both", setting) for setting, database in re.findall(r"`([^`]+)`(?: \((MySQL|PostgreSQL)\))?", value))
        for database, connector in connectors.items():
            wanted = stated.get(database, stated.get("both"))
            if connector.get(name) != wanted:
                yield f"README says {name} is {wanted} for {database}, source.yaml {connector.get(name)}"
    said = {name for name, _ in rows}
    for database, connector in connectors.items():
        for name in connector:
            if name not in said and not re.match(r"connector\.class|topic\.prefix|database\.|table\.include|schema\.history|key\.converter|value\.converter$|plugin\.name|topic\.creation\.default\.(partitions|replication)", name):
                yield f"{database}: source.yaml sets {name}, README does not say why"


def connectors(template=None):
    """The connectors' configurations for both databases."""
    found = {}
    for database, name in (("mysql", "MySQL"), ("postgresql", "PostgreSQL")):
        resources = templates.sam_resources(scenarios.SOURCE[database], "source.yaml", template)
        (_, properties), = of_type(resources, "AWS::KafkaConnect::Connector")
        found[name] = properties["ConnectorConfiguration"]
    return found


def samconfig_findings(text, sources):
    """`samconfig.toml` calls each template with what it needs, so that nobody has to know which flags."""
    sections = dict(re.findall(r"^\[(\w+)\.deploy\.parameters\]\n((?:(?!\[).*\n)*)", text, re.MULTILINE))
    settings = {environment: dict(re.findall(r'^(\w+) = "?(.*?)"?$', body, re.MULTILINE)) for environment, body in sections.items()}
    called = {one.get("template_file"): one for one in settings.values()}
    for name in sorted(set(sources) - set(called)):
        yield f"samconfig.toml does not call {name}"
    for name, one in called.items():
        roles = [resource["Properties"] for resource in sources.get(name, {"Resources": {}})["Resources"].values() if resource["Type"] == "AWS::IAM::Role"]
        wanted = "CAPABILITY_NAMED_IAM" if any("RoleName" in role for role in roles) else "CAPABILITY_IAM"
        if one.get("capabilities") != wanted:
            yield f"samconfig.toml gives {name} {one.get('capabilities')}, its roles need {wanted}"
        if dict(pair.split("=", 1) for pair in one.get("tags", "").split()) != scenarios.TAGS:
            yield f"samconfig.toml tags {name} {one.get('tags')}, the CDK app {scenarios.TAGS}"
        if one.get("confirm_changeset") != "true" or one.get("resolve_s3") != "true" or not one.get("stack_name"):
            yield f"samconfig.toml: {name} has no stack's name, no bucket, or deploys without asking"


def group_findings(template):
    """Each parameter is in exactly one group, so that `sam deploy --guided` and the console show all."""
    listed = [name for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"] for name in group["Parameters"]]
    for name in sorted(set(listed) ^ set(template["Parameters"])):
        yield f"parameter {name} is in no group, or a group names what is no parameter"
    if len(set(listed)) != len(listed):
        yield "a parameter is in two groups"
    for name, one in template["Parameters"].items():
        if not one.get("Description"):
            yield f"parameter {name} has no description"


def cdk_properties(text):
    """The names in `RedshiftCdcPipelineProps`."""
    return set(re.findall(r"^  readonly (\w+)\??:", text.split("interface RedshiftCdcPipelineProps", 1)[1], re.MULTILINE))


def properties_findings(text, template):
    """The construct's properties against the template's parameters."""
    own = cdk_properties(text)
    as_parameters = {name[0].upper() + name[1:] for name in own - set(CDK_ONLY)}
    for name in sorted(as_parameters ^ (set(template["Parameters"]) - set(SAM_ONLY))):
        yield f"{name} is a choice of SAM or of CDK only"


def deployment_findings(text, settings):
    """`deployment.example.yaml` has properties that exist."""
    given = set(yaml.safe_load(text)["pipeline"])
    for unknown in sorted(given - cdk_properties(settings)):
        yield f"deployment.example.yaml sets {unknown}, which is no property"


def shown_findings(resources):
    """Every metric that the functions publish is on the dashboard or alarmed on, or left out with a reason."""
    shown = {metric for _, metric, _, _ in source.used(resources)}
    published = {metric for _, metric in source.emitted()}
    for metric in sorted(published - shown - set(SHOWN_NOWHERE)):
        yield f"{metric} is published, and neither the dashboard nor an alarm shows it"
    for metric in sorted(set(SHOWN_NOWHERE) & shown | set(SHOWN_NOWHERE) - published):
        yield f"SHOWN_NOWHERE names {metric}, which is shown or not published"


def alarm_count_findings(text, resources):
    """README's number of alarms."""
    said = re.search(r"\| (\d+) alarms, and one or two per mapping \|", text)
    own = [name for name, one in of_type(resources, "AWS::CloudWatch::Alarm") if not re.match(r"PollerError|FailureDestination", name)]
    # Those with an action have a line of their own.
    acting = [name for name in own if {"att": "Provisioner.Arn"} in resources[name]["Properties"].get("AlarmActions", [])]
    if not said or int(said.group(1)) != len(own) - len(acting):
        yield f"README says {said and said.group(1)} alarms, the template has {len(own) - len(acting)} and {len(acting)} with an action"


def picture_description(picture):
    """The text in a PNG that says what it was drawn of."""
    place = 8
    while place < len(picture):
        length = int.from_bytes(picture[place : place + 4], "big")
        kind, body = picture[place + 4 : place + 8], picture[place + 8 : place + 8 + length]
        if zlib.crc32(kind + body) != int.from_bytes(picture[place + 8 + length : place + 12 + length], "big"):
            return None
        if kind == b"tEXt" and body.startswith(b"Description\0"):
            return body.split(b"\0", 1)[1].decode("latin-1")
        place += 12 + length
    return None
