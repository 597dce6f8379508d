"""Creates, updates, fails to update, and deletes with SAM, while records arrive."""

import json
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import dashboard
import metrics
import recording
from tools import INFRA, Failed, run, wait_for
from world import ALL_TABLES, ONE_TABLE, PIPELINE, REGION, STACK, WORKGROUP_ARN

ACCESS = "redshift-cdc-access"
# Not a pipeline file: the provisioner has to say so in the stack's events.
BROKEN = "  - topics: salesdb.salesdb.*\n"
PORTIONS = 6
# Topics that get a mapping. What arrives in the fourth is the scheduled refresher's.
MAPPED = ("salesdb.salesdb.CUSTOMER", "salesdb.salesdb.SALES_ORDER", "salesdb.salesdb.PRODUCT")
NOT_MAPPED = "salesdb.sales_order_detail"
# AWS's own metrics that MiniStack does not have: it polls no MSK mapping, and Redshift is not its.
NOT_HERE = {
    "Cost driver: Redshift Serverless compute": ["ComputeSeconds of AWS/Redshift-Serverless"],
    "Pollers: offset lag of the mappings": ["OffsetLag of offset lag"],
}


class Sam:
    """`sam deploy` and `sam delete`, in infra/sam as infra/README.md has it."""

    def __init__(self, world):
        self.world = world
        self.program = world.programs["sam"] / "sam"
        self.folder = world.folder / "infra" / "sam"
        shutil.copytree(INFRA / "sam", self.folder, ignore=shutil.ignore_patterns("samconfig.toml", ".aws-sam"))
        shutil.copy(INFRA / "dashboard.json", world.folder / "infra")

    def deploy_access(self, parameters):
        """As the README has it, without the questions of --guided."""
        overrides = [f"{key}={value}" for key, value in parameters.items()]
        run([self.program, "deploy", "--template-file", "access.yaml", "--stack-name", ACCESS, "--capabilities", "CAPABILITY_NAMED_IAM",
             "--resolve-s3", "--no-confirm-changeset", "--parameter-overrides", *overrides], env=self.world.env, cwd=self.folder)

    def deploy(self, parameters, check=True):
        """`sam deploy` with the example of a configuration, filled in."""
        (self.folder / "samconfig.toml").write_text(filled_in((self.folder / "samconfig.example.toml").read_text(), parameters))
        return run([self.program, "deploy", "--no-confirm-changeset"], env=self.world.env, cwd=self.folder, check=check)

    def delete(self, stack_name):
        run([self.program, "delete", "--stack-name", stack_name, "--no-prompts", "--region", REGION], env=self.world.env, cwd=self.folder)


def filled_in(example, parameters):
    """The example with a deployer's values; parameters that it leaves to their defaults are added."""
    head, _, rest = example.partition("parameter_overrides = [\n")
    given = dict(re.findall(r'^  "(\w+)=(.*)",$', rest, re.MULTILINE))
    if not given:
        raise Failed("samconfig.example.toml lists no parameters")
    lines = [f'  "{key}={value}",\n' for key, value in {**given, **parameters}.items()]
    return f"{head}parameter_overrides = [\n{''.join(lines)}]\n"


def sam(world):
    """The whole life of a pipeline."""
    commands = Sam(world)
    portions = recording.portions(world.folder, PORTIONS)
    pollers = recording.Pollers(world.cluster_arn, MAPPED)
    recording.happening_now(portions[0])
    before = list(pollers.events(portions[0]))
    world.produce(portions[0])

    shared = {"MskClusterArn": world.cluster_arn, "MskSecurityGroupId": world.msk_group, "TopicPrefix": "salesdb"}
    commands.deploy_access({**shared, "WarehouseSecurityGroupId": world.warehouse_group})
    role = world.outputs(ACCESS)["RedshiftRoleArn"]
    world.say(f"ok: sam deploy access.yaml: {role}")
    parameters = {
        **shared, "PipelineName": PIPELINE, "VpcId": world.vpc, "SubnetIds": world.subnet, "WarehouseDatabase": world.database,
        "WarehouseWorkgroup": world.workgroup, "WarehouseWorkgroupArn": WORKGROUP_ARN,
        "RedshiftRoleArn": role, "Architecture": "x86_64", "RefreshRate": "'rate(1 minute)'",
        "KafkaCaFile": world.ca_file, **{f"Topic{number}": topic for number, topic in enumerate(MAPPED, 1)},
        "QuarantineAlarm": "false",  # MiniStack knows no alarms on queries
    }

    def with_pipeline(name, tables, check=True):
        folder = world.pipeline_folder(name, tables)
        world.package(folder, world.folder / "infra" / "dist")
        began = time.monotonic()
        answer = commands.deploy({**parameters, "PipelineFile": folder / "pipeline.yaml"}, check)
        world.say(f"sam deploy of {name} took {time.monotonic() - began:.0f} s")
        return folder, answer

    with_pipeline("sam-create", ONE_TABLE)
    world.say(f"ok: created; provisioning took {world.outputs(STACK)['ProvisioningSteps']} steps")
    world.expect("tables after the creation", world.tables(), ["customer"])
    group, = world.client("ec2").describe_security_groups(GroupIds=[world.msk_group])["SecurityGroups"]
    opened = sorted((rule["FromPort"], rule["ToPort"]) for rule in group["IpPermissions"])
    world.expect("ports opened on the brokers", opened, [(9098, 9098)] * 3)

    folder, _ = with_pipeline("sam-update", ALL_TABLES)
    world.expect("tables after the update", world.tables(), recording.tables())
    world.expect_nothing_failed(STACK)
    world.expect_tags(STACK)
    feed(world, pollers, before, portions[1:])
    # What no mapping carries, the schedule has to merge.
    world.expect_values(folder)
    world.expect_monitor(world.outputs(STACK)["LagMonitor"])
    expect_nothing_to_do(world)
    expect_dashboard(world)
    expect_reason_and_roll_back(world, with_pipeline("sam-broken", BROKEN, check=False)[1])

    with ThreadPoolExecutor() as pool:  # each waits half a minute between two looks
        for deleted in [pool.submit(commands.delete, one) for one in (STACK, ACCESS)]:
            deleted.result()
    world.expect("tables after deleting the stack, which retains", world.tables(), recording.tables())


def feed(world, pollers, before, portions):
    """Writes the other portions, and plays the pollers: change-handler has to take every event."""
    function = world.outputs(STACK)["ChangeHandler"]
    count = 0
    for events, path in [(before, None), *((None, path) for path in portions)]:
        if path:
            recording.happening_now(path)
            events = list(pollers.events(path))
            world.produce(path)
        for event in events:
            answer, error = world.invoke(function, event)
            if error or answer["batchItemFailures"]:
                raise Failed(f"change-handler: {json.dumps(answer)[:2000]}")
            count += 1
    world.say(f"ok: change-handler took {count} events")


def expect_nothing_to_do(world):
    """What an operator asks by hand: refresher finds nothing, and a plan changes nothing."""
    functions = world.outputs(STACK)
    refreshed, error = world.invoke(functions["Refresher"], {})
    if error or refreshed["kafka"] != "compared":
        raise Failed(f"refresher: {json.dumps(refreshed)[:2000]}")
    plan, error = world.invoke(functions["Provisioner"], {"action": "plan"})
    if error:
        raise Failed(f"provisioner: {json.dumps(plan)[:2000]}")
    world.expect("steps of another plan", plan["changed"], 0)


def expect_dashboard(world):
    """Draws the dashboard that is deployed, from this deployment's metrics. No widget may be empty."""
    body = json.loads(world.client("cloudwatch").get_dashboard(DashboardName=STACK)["DashboardBody"])
    series = {
        **metrics.of_log_groups(world.client("logs"), f"/redshift-cdc/{PIPELINE}/"),
        **metrics.of_cloudwatch(world.client("cloudwatch"), "AWS/Lambda"),
    }
    by_schedule = sum(value for _, value in series[("redshift-cdc", "applied_rows", (("function", "refresher"), ("pipeline", PIPELINE), ("table", NOT_MAPPED)))])
    if not by_schedule:
        raise Failed(f"no tick of the refresher's schedule has merged {NOT_MAPPED}, which has no mapping")
    world.say(f"ok: ticks of the refresher's schedule merged {by_schedule:.0f} rows of {NOT_MAPPED}, which has no mapping")
    dashboard.draw(body, series, world.picture)
    world.expect("metrics that the dashboard asks for and nobody has", dashboard.gaps(body, series), NOT_HERE)
    world.say(f"ok: the dashboard of {len(series)} series: {world.picture}")


def expect_reason_and_roll_back(world, answer):
    """A pipeline file that is wrong: the provisioner's own words are in the events, and nothing has changed."""
    reasons = [reason for name, status, reason in world.events(STACK) if name == "Provisioning" and "FAILED" in status]
    if answer.returncode == 0 or not any("topics" in reason for reason in reasons):
        raise Failed(f"a broken pipeline file: sam deploy ended with {answer.returncode}, reasons {reasons}")
    world.say(f"ok: a broken pipeline file fails with its reason: {reasons[0][:300]}")
    status = wait_for("the roll-back", lambda: world.settled(STACK))
    world.expect("stack after the roll-back", status, "UPDATE_ROLLBACK_COMPLETE")
    world.expect("tables after the roll-back", world.tables(), recording.tables())
