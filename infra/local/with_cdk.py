"""Creates, updates and destroys with CDK; the destruction drops the tables, as asked for."""

import json
import time

import recording
from tools import INFRA, run
from world import ACCOUNT, ALL_TABLES, ONE_TABLE, STACK, WORKGROUP_ARN

TOPICS = ["salesdb.salesdb.CUSTOMER", "salesdb.salesdb.SALES_ORDER", "salesdb.salesdb.SALES_ORDER_DETAIL", "salesdb.salesdb.PRODUCT"]


def cdk(world):
    """The whole life of a pipeline."""
    world.produce(recording.FILE)
    app = INFRA / "cdk"

    program = app / "node_modules" / ".bin" / "cdk"

    def deployment(name, tables, topics):
        folder = world.pipeline_folder(name, tables)
        packages = world.folder / f"{name}-packages"
        world.package(folder, packages)
        file = world.folder / f"{name}.json"
        file.write_text(json.dumps(properties(world, folder, packages, topics)))  # JSON is YAML
        return folder, file

    def command(file, *arguments):
        began = time.monotonic()
        out = world.folder / f"{file.stem}-cdk.out"
        run([program, *arguments, "--context", f"deployment={file}", "--output", out], env=world.env, cwd=app)
        world.say(f"cdk {arguments[0]} with {file.name} took {time.monotonic() - began:.0f} s")
        return out

    deploy = ("deploy", "--all", "--require-approval", "never")
    _, file = deployment("cdk-create", ONE_TABLE, [])
    command(file, "bootstrap")
    command(file, *deploy)
    world.expect("tables after the creation", world.tables(), ["customer"])
    folder, file = deployment("cdk-update", ALL_TABLES, TOPICS)
    out = command(file, *deploy)
    world.expect("tables after the update", world.tables(), recording.tables())
    world.expect_nothing_failed(STACK)
    world.expect_tags(STACK)
    world.expect_values(folder)
    name = next(value for key, value in world.outputs(STACK).items() if key.startswith("PipelineLagMonitorName"))
    world.expect_monitor(name)
    # What was synthesised is taken once more.
    run([program, "destroy", "--all", "--force", "--app", out], env=world.env, cwd=app)
    world.expect("tables after destroying the stack, which was asked to drop them", world.tables(), [])


def properties(world, pipeline, packages, topics):
    """A deployment file."""
    return {
        "access": {"warehouseSecurityGroupId": world.warehouse_group},
        "pipeline": {
            "pipelineFile": str(pipeline / "pipeline.yaml"), "pipelineFileInFunction": str(pipeline / "pipeline.yaml"),
            "packages": str(packages), "architecture": "x86_64", "mskClusterArn": world.cluster_arn, "topics": topics,
            "mskSecurityGroupId": world.msk_group, "vpcId": world.vpc, "subnetIds": [world.subnet], "kafkaCaFile": world.ca_file,
            "warehouse": {"database": world.database, "workgroup": world.workgroup, "workgroupArn": WORKGROUP_ARN},
            "redshiftRoleArn": f"arn:aws:iam::{ACCOUNT}:role/redshift-cdc-streaming",
            "refreshRate": "rate(1 minute)", "onDelete": "destroy", "quarantineAlarm": False,
        },
    }
