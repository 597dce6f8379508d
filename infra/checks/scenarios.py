"""The same deployments, said to the SAM templates and to the CDK app."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import yaml

from checks.templates import INFRA

CLUSTER = "arn:aws:kafka:us-east-1:123456789012:cluster/sales/00000000-0000-4000-8000-000000000000-1"
WORKGROUP_ARN = "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/00000000-0000-4000-8000-000000000001"
REDSHIFT_ROLE = "arn:aws:iam::123456789012:role/redshift-cdc-streaming"
BUCKET = "arn:aws:s3:::failed-batches"
TOPICS = ["salesdb.salesdb.CUSTOMER", "salesdb.salesdb.SALES_ORDER", "salesdb.salesdb.SALES_ORDER_DETAIL"]

# SAM parameter -> CDK property, where they differ in more than the first letter's case.
_RENAMED = {"PipelineFile": "pipelineFileInFunction"}
_NUMBERS = {
    "BatchingWindowSeconds", "BatchSize", "BehindAfterMs", "StoppedAfterMs", "MaxRowsPerMerge", "MinimumPollers",
    "MaximumPollers", "LogRetentionDays",
}
_BOOLEANS = {"ProvisionedMode", "QuarantineAlarm", "ReserveConcurrency"}

_BASE = {
    "PipelineName": "salesdb",
    "TopicPrefix": "salesdb",
    "MskClusterArn": CLUSTER,
    "MskSecurityGroupId": "sg-0bbbbbbbbbbbbbbbb",
    "VpcId": "vpc-0cccccccccccccccc",
    "SubnetIds": "subnet-0ddddddddddddddd1,subnet-0ddddddddddddddd2",
    "WarehouseDatabase": "dev",
    "RedshiftRoleArn": REDSHIFT_ROLE,
}

# Name -> parameters of infra/sam/template.yaml. Together with MORE_PIPELINES they take both sides of every condition.
PIPELINES = {
    "serverless": {
        **_BASE,
        "Topic1": TOPICS[0],
        "Topic2": TOPICS[1],
        "WarehouseWorkgroup": "sales",
        "WarehouseWorkgroupArn": WORKGROUP_ARN,
    },
    "cluster-on-demand": {
        **_BASE,
        "Topic1": TOPICS[0],
        "WarehouseCluster": "warehouse-1",
        "ProvisionedMode": "false",
        "FailureDestinationBucketArn": BUCKET,
        "Architecture": "x86_64",
        "QuarantineAlarm": "false",
        "ReserveConcurrency": "false",
        "OnDelete": "destroy",
    },
    "all-options": {
        **_BASE,
        **{f"Topic{number}": topic for number, topic in enumerate(TOPICS, 1)},
        "PipelineFile": "/opt/other.yaml",
        "KafkaCaFile": "/opt/ca.pem",
        "WarehouseWorkgroup": "sales",
        "WarehouseWorkgroupArn": WORKGROUP_ARN,
        "BatchingWindowSeconds": "20",
        "BatchSize": "700",
        "RefreshRate": "rate(2 minutes)",
        "LagMonitorRate": "rate(3 minutes)",
        "BehindAfterMs": "120000",
        "StoppedAfterMs": "600000",
        "MaxRowsPerMerge": "5000",
        "MinimumPollers": "2",
        "MaximumPollers": "9",
        "FailureDestinationBucketArn": BUCKET,
        "LogRetentionDays": "90",
        "LogKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000002",
        "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:operators",
    },
}

# More of them, which are only written out: choices that the ones above make together, each by itself.
MORE_PIPELINES = {
    "three-topics": {**PIPELINES["serverless"], "Topic3": TOPICS[2]},
    "three-topics-on-demand": {**PIPELINES["serverless"], "Topic3": TOPICS[2], "ProvisionedMode": "false"},
    "destination-without-alarm-topic": {**PIPELINES["serverless"], "Topic3": TOPICS[2], "FailureDestinationBucketArn": BUCKET},
}

# What only the construct takes: more topics than the template has parameters.
MORE_TOPICS = [f"salesdb.salesdb.{name}" for name in ("PRODUCT", "VENDOR")]
CDK_ONLY = {"five-topics": {**MORE_PIPELINES["three-topics"], **{f"Topic{number}": topic for number, topic in enumerate(MORE_TOPICS, 4)}}}

# Parameters of infra/sam/access.yaml.
ACCESS = {
    "serverless": {
        "MskClusterArn": CLUSTER,
        "TopicPrefix": "salesdb",
        "MskSecurityGroupId": "sg-0bbbbbbbbbbbbbbbb",
        "WarehouseSecurityGroupId": "sg-0aaaaaaaaaaaaaaaa",
    },
    "all-options": {
        "MskClusterArn": CLUSTER,
        "TopicPrefix": "salesdb",
        "MskSecurityGroupId": "sg-0bbbbbbbbbbbbbbbb",
        "WarehouseSecurityGroupId": "sg-0aaaaaaaaaaaaaaaa",
        "RedshiftRoleName": "other-streaming",
        "MappingIngress": "false",
    },
}

# Parameters of infra/sam/source.yaml.
_SOURCE = {
    "ConnectorName": "salesdb",
    "DatabaseHost": "salesdb.cluster-abc.us-east-1.rds.amazonaws.com",
    "DatabaseName": "salesdb",
    "TableIncludeList": "salesdb.CUSTOMER",
    "DatabaseSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:salesdb-debezium-AbCdEf",
    "DatabaseSecretName": "salesdb-debezium",
    "DatabaseSecurityGroupId": "sg-0eeeeeeeeeeeeeeee",
    "TopicPrefix": "salesdb",
    "MskClusterArn": CLUSTER,
    "BootstrapBrokers": "b-1.sales.kafka.us-east-1.amazonaws.com:9098",
    "MskSecurityGroupId": "sg-0bbbbbbbbbbbbbbbb",
    "VpcId": "vpc-0cccccccccccccccc",
    "SubnetIds": "subnet-0ddddddddddddddd1,subnet-0ddddddddddddddd2",
    "PluginBucketArn": "arn:aws:s3:::plugins",
    "PluginKey": "debezium.zip",
}
_KEY = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-00000000000"
SOURCE = {
    "mysql": {**_SOURCE, "Database": "mysql"},
    "postgresql": {**_SOURCE, "Database": "postgresql", "DatabasePort": "5432"},
    "all-options": {**_SOURCE, "Database": "mysql", "LogRetentionDays": "90", "LogKmsKeyArn": f"{_KEY}2", "DatabaseSecretKmsKeyArn": f"{_KEY}3"},
}

# What both ways put on the stacks; samconfig.toml has them too.
TAGS = {"application": "redshift-cdc", "pipeline": "salesdb"}
FUNCTIONS = ("change-handler", "refresher", "lag-monitor", "provisioner")


def deployment(name):
    """A scenario as the CDK app's deployment file."""
    properties = {}
    warehouse = {}
    topics = []
    for parameter, text in {**PIPELINES, **CDK_ONLY}[name].items():
        if parameter.startswith("Topic") and parameter != "TopicPrefix":
            topics.append(text)
        elif parameter.startswith("Warehouse"):
            key = parameter.removeprefix("Warehouse")
            warehouse[key[0].lower() + key[1:]] = text
        elif parameter in ("PipelineName", "TopicPrefix"):
            continue  # these come from the pipeline file
        else:
            key = _RENAMED.get(parameter, parameter[0].lower() + parameter[1:])
            value = text
            if parameter in _NUMBERS:
                value = int(text)
            elif parameter in _BOOLEANS:
                value = text == "true"
            elif parameter == "SubnetIds":
                value = text.split(",")
            properties[key] = value
    pipeline = {"pipelineFile": str(INFRA / "pipeline" / "pipeline.yaml"), "packages": "dist", "topics": topics,
                "warehouse": warehouse, **properties}
    result = {"pipeline": pipeline}
    if name in ACCESS:
        access = ACCESS[name]
        result["access"] = {"warehouseSecurityGroupId": access["WarehouseSecurityGroupId"]}
        if "RedshiftRoleName" in access:
            result["access"]["redshiftRoleName"] = access["RedshiftRoleName"]
        if "MappingIngress" in access:
            result["access"]["mappingIngress"] = access["MappingIngress"] == "true"
    return result


def synthesise(name, folder):
    """The CDK app's templates for a scenario: (pipeline, access or None)."""
    folder = Path(folder)
    (folder / "dist").mkdir(parents=True, exist_ok=True)
    for function in FUNCTIONS:
        with zipfile.ZipFile(folder / "dist" / f"{function}.zip", "w") as package:
            package.writestr("bootstrap", function)
    file = folder / "deployment.yaml"
    file.write_text(yaml.safe_dump(deployment(name)), encoding="utf-8")
    out = folder / "cdk.out"
    shutil.rmtree(out, ignore_errors=True)
    answer = subprocess.run(
        ["npx", "--no-install", "tsx", "bin/app.ts"],
        cwd=INFRA / "cdk",
        env={**os.environ, "CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps({
            **json.loads((INFRA / "cdk" / "cdk.json").read_text(encoding="utf-8"))["context"],
            "deployment": str(file),
            "aws:cdk:enable-path-metadata": True,
        })},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise RuntimeError(f"the CDK app failed for {name}:\n{answer.stdout}{answer.stderr}")
    read = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (*out.glob("*.template.json"), out / "manifest.json")}
    for stack in (one for one in read["manifest.json"]["artifacts"].values() if one["type"] == "aws:cloudformation:stack"):
        if stack["properties"].get("tags") != TAGS:
            raise RuntimeError(f"the CDK app tags a stack {stack['properties'].get('tags')}, samconfig.toml {TAGS}")
    return read["redshift-cdc-salesdb.template.json"], read.get("redshift-cdc-access.template.json")
