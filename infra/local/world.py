"""Everything that one deployment talks to: MiniStack, and behind it this project's Kafka broker, MSK control plane and
Redshift stand-in. Each way of deploying has a world of its own, so that neither finds the other's tables."""

import json
import os
import re
import socket
import subprocess
import sys
import time

import recording
from tools import INFRA, Failed, free_port, run, stop, wait_for

REGION = "us-east-1"
ACCOUNT = "000000000000"
PIPELINE = "salesdb"
STACK = f"redshift-cdc-{PIPELINE}"
WORKGROUP_ARN = f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/00000000-0000-4000-8000-000000000001"
# The local stack's administrator. Nothing outside accepts the key.
ADMINISTRATOR = {"aws_access_key_id": "LOCALADMINISTRATOR00", "aws_secret_access_key": "local-secret"}
ONE_TABLE = "  - topic: salesdb.salesdb.CUSTOMER\n"
ALL_TABLES = "  - topic: salesdb.salesdb.*\n"
# How long a schedule's minute lasts here.
MINUTE_S = 10


class World:
    """The services, and what is asked of them."""

    def __init__(self, name, stack, folder, binaries, programs):
        self.name = name
        self.folder = folder
        self.binaries = binaries
        self.programs = programs
        self.start_local_stack(stack)
        self.start_ministack(stack)
        import boto3

        session = boto3.session.Session(region_name=REGION)
        self.client = lambda service: session.client(
            service, endpoint_url=self.ministack, aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.warehouse = session.client("redshift-data", endpoint_url=self.data_api, **ADMINISTRATOR)
        self.env = {
            **os.environ, "AWS_ENDPOINT_URL": self.ministack, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.5", "CDK_DISABLE_VERSION_CHECK": "1", "CDK_DISABLE_CLI_TELEMETRY": "1",
        }
        self.network()

    def say(self, text):
        print(f"[{time.strftime('%H:%M:%S')} {self.name}] {text}", flush=True)

    def expect(self, what, found, wanted):
        if found != wanted:
            raise Failed(f"{what}: found {found}, wanted {wanted}")
        self.say(f"ok: {what}: {found}")

    def start_local_stack(self, stack):
        log = self.folder / "local-stack.log"
        process = subprocess.Popen([self.binaries / "local-stack", "up"], stdout=log.open("w"), stderr=subprocess.STDOUT)
        stack.callback(stop, process)

        def endpoints():
            text = log.read_text()
            if process.poll() is not None:
                raise Failed(f"local-stack up ended:\n{text}")
            return re.search(r"Ctrl-C stops", text) and text

        text = wait_for("local-stack up", endpoints)
        self.kafka = re.search(r"Kafka \(plaintext\)\s+(\S+)", text).group(1)
        self.ca_file = re.search(r"certificate (\S+)", text).group(1)
        self.data_api = re.search(r"Redshift Data API\s+(\S+),", text).group(1)
        self.database, self.workgroup = re.search(r"database (\S+), workgroup (\S+)", text).groups()
        self.msk, self.cluster_arn = re.search(r"MSK control plane\s+(\S+), cluster (\S+)", text).groups()
        self.say(f"local stack: Kafka {self.kafka}, Data API {self.data_api}, MSK {self.msk}")

    def start_ministack(self, stack):
        port = free_port()
        self.ministack = f"http://127.0.0.1:{port}"
        log = self.folder / "ministack.log"
        # MiniStack unpacks each function's code into a folder that it does not remove.
        unpacked = self.folder / "unpacked"
        unpacked.mkdir()
        env = {
            **os.environ, "TMPDIR": str(unpacked), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": REGION, "MINISTACK_MINUTE_S": str(MINUTE_S),
            # Function processes inherit these; only these two services are ours.
            "AWS_ENDPOINT_URL_REDSHIFT_DATA": self.data_api, "AWS_ENDPOINT_URL_KAFKA": self.msk,
        }
        command = [self.programs["deploy"] / "python", INFRA / "local" / "ministack_here.py"]
        process = subprocess.Popen(command, env=env, cwd=self.folder, stdout=log.open("w"), stderr=subprocess.STDOUT)
        stack.callback(stop, process)

        def answers():
            if process.poll() is not None:
                raise Failed(f"ministack ended:\n{log.read_text()}")
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True

        wait_for("MiniStack", answers, 60)
        self.say(f"MiniStack {self.ministack}")

    def network(self):
        """A VPC as a deployer has one."""
        ec2 = self.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        self.msk_group, self.warehouse_group = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"] for name in ("brokers", "warehouse")
        )

    # ---- what goes in

    def pipeline_folder(self, name, tables):
        """A pipeline file. Local processes have no /opt, so that functions get its path on this machine."""
        folder = self.folder / name
        folder.mkdir()
        head = (INFRA / "pipeline" / "pipeline.yaml").read_text().split("tables:")[0]
        head = re.sub(r"cluster_arn: \S+", f"cluster_arn: {self.cluster_arn}", head)
        (folder / "pipeline.yaml").write_text(head + "tables:\n" + tables)
        return folder

    def package(self, pipeline, out):
        run([sys.executable, INFRA / "package", "--arch", "x86_64", "--binaries", self.binaries, "--pipeline", pipeline, "--out", out])

    def produce(self, path):
        """Writes a recording to Kafka."""
        self.say(run([self.binaries / "local-stack", "produce", "--kafka", self.kafka, "--records", path]).stdout.strip())

    # ---- what came out

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

    def expect_values(self, pipeline):
        """After a tick of the scheduler every row is there, equal to the source's own, value by value."""
        command = [self.binaries / "local-stack", "compare", "--pipeline", pipeline / "pipeline.yaml", "--records", recording.FILE,
                   "--truth", recording.TRUTH, "--data-api", self.data_api]
        began = time.monotonic()
        last = []

        def equal():
            answer = run(command, check=False)
            last[:] = [answer.stdout + answer.stderr]
            return answer.stdout if answer.returncode == 0 else None

        try:
            text = wait_for("the scheduled refresher to merge the rest", equal, 120)
        except Failed as error:
            raise Failed(f"{error}; the comparison says:\n{''.join(last)}") from error
        self.say(f"ok: equal to the source, value by value, {time.monotonic() - began:.0f} s later:\n{text.rstrip()}")

    def expect_monitor(self, function):
        """lag-monitor finds everything merged."""
        said, error = self.invoke(function, {})
        if error or said.get("state") != "ok":
            raise Failed(f"lag-monitor: {json.dumps(said)[:2000]}")
        self.say(f"ok: lag-monitor says: {said['state']}, {said['message']}")

    def invoke(self, function, event):
        """A function's answer, and whether it is an error."""
        answer = self.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def events(self, stack_name):
        """(logical id, status, reason), newest first."""
        answer = self.client("cloudformation").describe_stack_events(StackName=stack_name)
        return [(one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", "")) for one in answer["StackEvents"]]

    def outputs(self, stack_name):
        stack, = self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def settled(self, stack_name):
        stack, = self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
        return stack["StackStatus"] if not stack["StackStatus"].endswith("IN_PROGRESS") else None

    def expect_tags(self, stack_name):
        stack, = self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
        self.expect("tags of the stack", {one["Key"]: one["Value"] for one in stack["Tags"]}, {"application": "redshift-cdc", "pipeline": PIPELINE})

    def expect_nothing_failed(self, stack_name):
        resources = self.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
        self.expect("resources that failed", [one["LogicalResourceId"] for one in resources if "FAILED" in one["ResourceStatus"]], [])
