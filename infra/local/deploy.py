"""Deploys the real thing without an account: `sam deploy` and `cdk deploy` into MiniStack.

MiniStack plays CloudFormation, Lambda, EventBridge Scheduler, IAM and Amazon S3 with the functions' real x86-64
binaries. Behind them are this project's Kafka broker, MSK control plane and Redshift stand-in (tests/local-stack). It
deploys, looks whether the tables are there, waits for a scheduler tick, compares row counts with the recording's own
tables, updates with another pipeline file, deploys a broken one, and deletes.

    python3 infra/local/deploy.py            both ways, from a checkout; about five minutes after the build
    python3 infra/local/deploy.py sam|cdk    one of them

What this does not show: IAM (MiniStack permits everything), networks, and mappings, which MiniStack accepts and never
polls; the scheduled refresher does the merging here.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
CORPUS = ROOT / "tests" / "corpora" / "salesdb-small"
FUNCTIONS = ("change-handler", "refresher", "lag-monitor", "provisioner")
PIPELINE = "salesdb"
# The one database and workgroup of the local stack, and its administrator. Nothing outside accepts the key.
ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "LOCALADMINISTRATOR00", "AWS_SECRET_ACCESS_KEY": "local-secret"}
REGION = "us-east-1"
ACCOUNT = "000000000000"
DEADLINE_S = 240


class Failed(Exception):
    """A step did not do what it should."""


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def run(command, env=None, cwd=None, check=True):
    """Runs a command; its output is shown when it fails."""
    answer = subprocess.run([str(part) for part in command], env=env, cwd=cwd, capture_output=True, text=True, check=False)
    if check and answer.returncode != 0:
        raise Failed(f"{' '.join(str(part) for part in command[:4])} … ended with {answer.returncode}:\n{answer.stdout[-6000:]}{answer.stderr[-6000:]}")
    return answer


def target():
    """Cargo's target folder."""
    answer = run(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT)
    return Path(json.loads(answer.stdout)["target_directory"])


def environment(name):
    """A virtual environment with pinned packages. SAM CLI and MiniStack need one each."""
    requirements = INFRA / "local" / f"requirements-{name}.txt"
    folder = target() / f"infra-{name}"
    installed = folder / "requirements.txt"
    if not (installed.is_file() and installed.read_text() == requirements.read_text()):
        say(f"installing {requirements.relative_to(ROOT)}")
        run(["python3", "-m", "venv", "--clear", folder])
        run([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements])
        shutil.copy(requirements, installed)
    return folder / "bin"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(what, condition, seconds=DEADLINE_S):
    """Waits until a condition gives something; says on a time-out what it was."""
    until = time.monotonic() + seconds
    last = None
    while time.monotonic() < until:
        try:
            found = condition()
            if found:
                return found
        except Exception as error:  # the service may not be there yet; the time-out shows the last reason
            last = error
        time.sleep(0.5)
    raise Failed(f"waited {seconds} s for {what}" + (f"; last: {last}" if last else ""))


class World:
    """Everything that the deployment talks to."""

    def __init__(self, stack, folder, binaries):
        self.folder = folder
        self.binaries = binaries
        self.start_local_stack(stack)
        self.start_ministack(stack)
        import boto3

        aws = dict(region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test", endpoint_url=self.ministack)
        self.client = lambda service: boto3.client(service, **aws)
        self.warehouse = boto3.client(
            "redshift-data", region_name=REGION, endpoint_url=self.data_api,
            aws_access_key_id=ADMINISTRATOR["AWS_ACCESS_KEY_ID"], aws_secret_access_key=ADMINISTRATOR["AWS_SECRET_ACCESS_KEY"],
        )
        self.env = {
            **os.environ, "AWS_ENDPOINT_URL": self.ministack, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "SAM_CLI_TELEMETRY": "0",
            "CDK_DISABLE_VERSION_CHECK": "1",
        }
        self.network()

    def start_local_stack(self, stack):
        log = self.folder / "local-stack.log"
        process = subprocess.Popen([self.binaries / "local-stack", "up"], stdout=log.open("w"), stderr=subprocess.STDOUT)
        stack.callback(stop, process)

        def endpoints():
            text = log.read_text()
            if process.poll() is not None:
                raise SystemExit(f"local-stack up ended:\n{text}")
            return re.search(r"Ctrl-C stops", text) and text

        text = wait_for("local-stack up", endpoints)
        self.kafka = re.search(r"Kafka \(plaintext\)\s+(\S+)", text).group(1)
        self.ca_file = re.search(r"certificate (\S+)", text).group(1)
        self.data_api = re.search(r"Redshift Data API\s+(\S+),", text).group(1)
        self.database, self.workgroup = re.search(r"database (\S+), workgroup (\S+)", text).groups()
        self.msk, self.cluster_arn = re.search(r"MSK control plane\s+(\S+), cluster (\S+)", text).groups()
        say(f"local stack: Kafka {self.kafka}, Data API {self.data_api}, MSK {self.msk}")

    def start_ministack(self, stack):
        port = free_port()
        self.ministack = f"http://127.0.0.1:{port}"
        log = self.folder / "ministack.log"
        env = {
            **os.environ, "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": REGION,
            # Function processes inherit these; only these two services are ours.
            "AWS_ENDPOINT_URL_REDSHIFT_DATA": self.data_api, "AWS_ENDPOINT_URL_KAFKA": self.msk,
        }
        command = [environment("ministack") / "python", INFRA / "local" / "ministack_with_ingress.py"]
        process = subprocess.Popen(command, env=env, cwd=self.folder, stdout=log.open("w"), stderr=subprocess.STDOUT)
        stack.callback(stop, process)

        def answers():
            if process.poll() is not None:
                raise SystemExit(f"ministack ended:\n{log.read_text()}")
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True

        wait_for("MiniStack", answers, 60)
        say(f"MiniStack {self.ministack}")

    def network(self):
        """A VPC as a deployer has one."""
        ec2 = self.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        self.msk_group, self.warehouse_group = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"] for name in ("brokers", "warehouse")
        )
        self.client("s3").create_bucket(Bucket="artifacts")

    def query(self, sql):
        """Rows of a statement, by the warehouse's administrator."""
        sent = self.warehouse.execute_statement(Sql=sql, Database=self.database, WorkgroupName=self.workgroup)

        def finished():
            described = self.warehouse.describe_statement(Id=sent["Id"])
            return described if described["Status"] in ("FINISHED", "FAILED", "ABORTED") else None

        described = wait_for(f"statement {sql}", finished, 60)
        if described["Status"] != "FINISHED":
            raise Failed(f"{sql}: {described.get('Error')}")
        rows = self.warehouse.get_statement_result(Id=sent["Id"])["Records"]
        return [[next(iter(field.values())) for field in row] for row in rows]

    def tables(self):
        """Target tables in the warehouse."""
        rows = self.query("select table_name from svv_tables where table_schema = 'salesdb' and table_type = 'BASE TABLE'")
        return sorted(name for name, in rows)


def stop(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


def truth():
    """Table -> rows, as the source had them at the end of the recording."""
    return {path.stem.lower(): sum(1 for _ in path.open()) for path in sorted((CORPUS / "truth").glob("*.jsonl"))}


def pipeline_folder(world, name, tables):
    """A pipeline file. Local processes have no /opt, so that functions get its path on this machine."""
    folder = world.folder / name
    folder.mkdir()
    lines = (INFRA / "pipeline" / "pipeline.yaml").read_text().split("tables:")[0]
    lines = re.sub(r"cluster_arn: \S+", f"cluster_arn: {world.cluster_arn}", lines)
    (folder / "pipeline.yaml").write_text(lines + "tables:\n" + tables)
    return folder


def package(world, pipeline, out):
    run([sys.executable, INFRA / "package", "--arch", "x86_64", "--binaries", world.binaries, "--pipeline", pipeline, "--out", out])


def expect(what, found, wanted):
    if found != wanted:
        raise Failed(f"{what}: found {found}, wanted {wanted}")
    say(f"ok: {what}: {found}")


def expect_rows(world):
    """After a tick of the scheduler the rows are there."""
    wanted = truth()

    def counts():
        found = {table: int(world.query(f"select count(*) from salesdb.{table}")[0][0]) for table in wanted}
        return found if found == wanted else None

    began = time.monotonic()
    found = wait_for(f"the scheduled refresher to merge {wanted}", counts)
    say(f"ok: rows after the scheduler's tick ({time.monotonic() - began:.0f} s): {found}")


def expect_monitor(world, function):
    """lag-monitor finds everything merged."""
    answer = world.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or said.get("state") != "ok":
        raise Failed(f"lag-monitor: {json.dumps(said)[:2000]}")
    say(f"ok: lag-monitor says: {said['state']}, {said['message']}")


def events(world, stack_name):
    """(logical id, status, reason), newest first."""
    answer = world.client("cloudformation").describe_stack_events(StackName=stack_name)
    return [(one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", "")) for one in answer["StackEvents"]]


def outputs(world, stack_name):
    stack, = world.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


ONE_TABLE = "  - topic: salesdb.salesdb.CUSTOMER\n"
ALL_TABLES = "  - topic: salesdb.salesdb.*\n"
# Not a pipeline file: the provisioner has to say so in the stack's events.
BROKEN = "  - topics: salesdb.salesdb.*\n"


def sam(world):
    """Creates, updates, fails to update, and deletes with SAM."""
    templates = world.folder / "infra" / "sam"
    shutil.copytree(INFRA / "sam", templates)
    program = environment("sam") / "sam"

    def deploy(stack_name, template, parameters, check=True):
        overrides = [f"{key}={value}" for key, value in parameters.items()]
        return run(
            [program, "deploy", "--template-file", templates / template, "--stack-name", stack_name, "--s3-bucket", "artifacts",
             "--capabilities", "CAPABILITY_NAMED_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset",
             "--region", REGION, "--parameter-overrides", *overrides],
            env=world.env, cwd=templates, check=check,
        )

    shared = {"MskClusterArn": world.cluster_arn, "MskSecurityGroupId": world.msk_group, "TopicPrefix": "salesdb"}
    deploy("redshift-cdc-access", "access.yaml", {**shared, "WarehouseSecurityGroupId": world.warehouse_group})
    role = outputs(world, "redshift-cdc-access")["RedshiftRoleArn"]
    say(f"ok: sam deploy access.yaml: {role}")
    parameters = {
        **shared, "PipelineName": PIPELINE, "VpcId": world.vpc, "SubnetIds": world.subnet, "WarehouseDatabase": world.database,
        "WarehouseWorkgroup": world.workgroup,
        "WarehouseWorkgroupArn": f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/00000000-0000-4000-8000-000000000001",
        "RedshiftRoleArn": role, "Architecture": "x86_64", "RefreshRate": "'rate(1 minute)'", "LagMonitorRate": "'rate(1 minute)'",
        "KafkaCaFile": world.ca_file, "Topic1": "salesdb.salesdb.CUSTOMER",
        "QuarantineAlarm": "false",  # MiniStack knows no alarms on queries
    }
    stack_name = "redshift-cdc-salesdb"

    def with_pipeline(name, tables, check=True):
        folder = pipeline_folder(world, name, tables)
        package(world, folder, world.folder / "infra" / "dist")
        return deploy(stack_name, "template.yaml", {**parameters, "PipelineFile": folder / "pipeline.yaml"}, check)

    began = time.monotonic()
    with_pipeline("sam-create", ONE_TABLE)
    say(f"ok: sam deploy in {time.monotonic() - began:.0f} s; provisioning took {outputs(world, stack_name)['ProvisioningSteps']} steps")
    expect("tables after the creation", world.tables(), ["customer"])
    group, = world.client("ec2").describe_security_groups(GroupIds=[world.msk_group])["SecurityGroups"]
    opened = sorted((rule["FromPort"], rule["ToPort"]) for rule in group["IpPermissions"])
    expect("ports opened on the brokers", opened, [(9098, 9098)] * 3)

    with_pipeline("sam-update", ALL_TABLES)
    expect("tables after the update", world.tables(), sorted(truth()))
    expect_rows(world)
    expect_monitor(world, outputs(world, stack_name)["LagMonitor"])
    mappings = world.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    expect("resources that failed", [one["LogicalResourceId"] for one in mappings if "FAILED" in one["ResourceStatus"]], [])

    answer = with_pipeline("sam-broken", BROKEN, check=False)
    reasons = [reason for name, status, reason in events(world, stack_name) if name == "Provisioning" and "FAILED" in status]
    if answer.returncode == 0 or not any("topics" in reason for reason in reasons):
        raise Failed(f"a broken pipeline file: sam deploy ended with {answer.returncode}, reasons {reasons}")
    say(f"ok: a broken pipeline file fails with its reason: {reasons[0][:300]}")
    status = wait_for("the roll-back", lambda: settled(world, stack_name))
    expect("stack after the roll-back", status, "UPDATE_ROLLBACK_COMPLETE")
    expect("tables after the roll-back", world.tables(), sorted(truth()))

    run([program, "delete", "--stack-name", stack_name, "--no-prompts", "--region", REGION], env=world.env, cwd=templates)
    expect("tables after deleting the stack, which retains", world.tables(), sorted(truth()))
    run([program, "delete", "--stack-name", "redshift-cdc-access", "--no-prompts", "--region", REGION], env=world.env, cwd=templates)


def settled(world, stack_name):
    stack, = world.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return stack["StackStatus"] if not stack["StackStatus"].endswith("IN_PROGRESS") else None


def cdk(world):
    """Creates and destroys with CDK; the destruction drops the tables, as asked for."""
    folder = pipeline_folder(world, "cdk-create", ALL_TABLES)
    packages = world.folder / "cdk-packages"
    package(world, folder, packages)
    deployment = world.folder / "deployment.json"
    deployment.write_text(json.dumps({  # JSON is YAML
        "access": {"warehouseSecurityGroupId": world.warehouse_group},
        "pipeline": {
            "pipelineFile": str(folder / "pipeline.yaml"), "pipelineFileInFunction": str(folder / "pipeline.yaml"),
            "packages": str(packages), "architecture": "x86_64", "mskClusterArn": world.cluster_arn,
            "topics": ["salesdb.salesdb.CUSTOMER", "salesdb.salesdb.SALES_ORDER"],
            "mskSecurityGroupId": world.msk_group, "vpcId": world.vpc, "subnetIds": [world.subnet], "kafkaCaFile": world.ca_file,
            "warehouse": {"database": world.database, "workgroup": world.workgroup,
                          "workgroupArn": f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/00000000-0000-4000-8000-000000000001"},
            "redshiftRoleArn": f"arn:aws:iam::{ACCOUNT}:role/redshift-cdc-streaming",
            "refreshRate": "rate(1 minute)", "onDelete": "destroy", "quarantineAlarm": False,
        },
    }))
    app = INFRA / "cdk"
    if not (app / "node_modules").is_dir():
        run(["npm", "ci", "--no-audit", "--no-fund"], cwd=app)
    common = ["npx", "--no-install", "cdk", "--context", f"deployment={deployment}", "--output", world.folder / "cdk.out"]
    run([*common, "bootstrap", f"aws://{ACCOUNT}/{REGION}"], env=world.env, cwd=app)
    began = time.monotonic()
    run([*common, "deploy", "--all", "--require-approval", "never"], env=world.env, cwd=app)
    say(f"ok: cdk deploy in {time.monotonic() - began:.0f} s")
    expect("tables after the creation", world.tables(), sorted(truth()))
    expect_rows(world)
    expect_monitor(world, outputs(world, "redshift-cdc-salesdb")["PipelineLagMonitorName" + suffix(world)])
    run([*common, "destroy", "--all", "--force"], env=world.env, cwd=app)
    expect("tables after destroying the stack, which was asked to drop them", world.tables(), [])


def suffix(world):
    """CDK's outputs end in a hash."""
    name = next(key for key in outputs(world, "redshift-cdc-salesdb") if key.startswith("PipelineLagMonitorName"))
    return name.removeprefix("PipelineLagMonitorName")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["sam", "cdk", []], help="default: both")
    parser.add_argument("--binaries", type=Path, help="take functions and local-stack from this folder instead of building them")
    parser.add_argument("--keep", action="store_true", help="keep logs and files, and say where")
    arguments = parser.parse_args()
    what = arguments.what or ["sam", "cdk"]
    # boto3 is in MiniStack's environment.
    python = environment("ministack") / "python"
    if Path(sys.executable) != python and os.environ.get("REDSHIFT_CDC_DEPLOY") is None:
        os.execve(python, [str(python), __file__, *sys.argv[1:]], {**os.environ, "REDSHIFT_CDC_DEPLOY": "1"})
    binaries = arguments.binaries
    if binaries is None:
        say("building the functions and the local stack")
        run(["cargo", "build", "--release", "--locked", "--bins", "--package", "local-stack",
             *[part for name in FUNCTIONS for part in ("--package", name)]], cwd=ROOT)
        binaries = target() / "release"
    folder = Path(tempfile.mkdtemp(prefix="redshift-cdc-deploy-"))
    try:
        for one in what:
            # A world of its own for each, so that neither finds the other's tables.
            (folder / one).mkdir()
            with ExitStack() as stack:
                say(f"== {one}")
                world = World(stack, folder / one, binaries)
                records = CORPUS / "records.schema.jsonl.gz"
                written = run([binaries / "local-stack", "produce", "--kafka", world.kafka, "--records", records])
                say(written.stdout.strip())
                {"sam": sam, "cdk": cdk}[one](world)
        say("all passed")
    except Failed as error:
        say(f"FAILED: {error}\nlogs are in {folder}")
        arguments.keep = True
        return 1
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
