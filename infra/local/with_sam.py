"""Creates, updates, fails to update, and deletes with SAM, while records arrive."""

import json
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import dashboard
import guided
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
        shutil.copytree(INFRA / "sam", self.folder, ignore=shutil.ignore_patterns(".aws-sam"))
        # Without the answers of whoever has deployed from here.
        file = self.folder / "samconfig.toml"
        file.write_text(re.sub(r"^parameter_overrides = .*\n", "", file.read_text(), flags=re.MULTILINE))
        shutil.copy(INFRA / "dashboard.json", world.folder / "infra")

    def deploy_guided(self, template, parameters, *arguments):
        """`sam build && sam deploy --guided`: every parameter of the template is asked for, in its order, with its default."""
        run([self.program, "build", "--template-file", template], env=self.world.env, cwd=self.folder)
        asked = guided.answer([self.program, "deploy", "--guided", *arguments], self.world.env, self.folder, parameters)
        found = [(question.removeprefix("Parameter "), default) for question, default in asked if question.startswith("Parameter ")]
        if found != guided.parameters((self.folder / template).read_text()):
            raise Failed(f"sam deploy --guided asks {found}, which are not the parameters of {template} with their defaults")
        return len(asked)

    def deploy(self, check=True, **changed):
        """`sam deploy` with what `--guided` has written, and some answers that are others by now."""
        file = self.folder / "samconfig.toml"
        file.write_text(changed_answers(file.read_text(), changed))
        return run([self.program, "deploy", "--no-confirm-changeset"], env=self.world.env, cwd=self.folder, check=check)

    def delete(self, stack_name):
        run([self.program, "delete", "--stack-name", stack_name, "--no-prompts", "--region", REGION], env=self.world.env, cwd=self.folder)


def changed_answers(text, changed):
    """samconfig.toml with other answers, as a deployer edits it: all are in the line that --guided has written first."""
    for key, value in changed.items():
        text, found = re.subn(rf'(\b{key}=\\")[^"\\]*(\\")', lambda match: f"{match.group(1)}{value}{match.group(2)}", text, count=1)
        if not found:
            raise Failed(f"sam deploy --guided has not written {key} into samconfig.toml:\n{text}")
    return text


def sam(world):
    """The whole life of a pipeline."""
    commands = Sam(world)
    portions = recording.portions(world.folder, PORTIONS)
    pollers = recording.Pollers(world.cluster_arn, MAPPED)
    recording.happening_now(portions[0])
    before = list(pollers.events(portions[0]))
    world.produce(portions[0])

    shared = {"MskClusterArn": world.cluster_arn, "MskSecurityGroupId": world.msk_group, "TopicPrefix": "salesdb"}
    questions = commands.deploy_guided("access.yaml", {**shared, "WarehouseSecurityGroupId": world.warehouse_group}, "--config-env", "access")
    role = world.outputs(ACCESS)["RedshiftRoleArn"]
    world.say(f"ok: sam deploy --guided --config-env access, {questions} questions: {role}")
    parameters = {
        **shared, "PipelineName": PIPELINE, "VpcId": world.vpc, "SubnetIds": world.subnet, "WarehouseDatabase": world.database,
        "WarehouseWorkgroup": world.workgroup, "WarehouseWorkgroupArn": WORKGROUP_ARN,
        "RedshiftRoleArn": role, "Architecture": "x86_64", "RefreshRate": "rate(1 minute)",
        "KafkaCaFile": world.ca_file, **{f"Topic{number}": topic for number, topic in enumerate(MAPPED, 1)},
        "QuarantineAlarm": "false",  # MiniStack knows no alarms on queries
    }

    def packaged(name, tables):
        folder = world.pipeline_folder(name, tables)
        world.package(folder, world.folder / "infra" / "dist")
        return folder

    def with_pipeline(name, tables, check=True):
        folder = packaged(name, tables)
        began = time.monotonic()
        answer = commands.deploy(check, PipelineFile=folder / "pipeline.yaml")
        world.say(f"sam deploy of {name} took {time.monotonic() - began:.0f} s")
        return folder, answer

    began = time.monotonic()
    file = packaged("sam-create", ONE_TABLE) / "pipeline.yaml"
    questions = commands.deploy_guided("template.yaml", {**parameters, "PipelineFile": str(file)})
    world.say(f"ok: sam deploy --guided, {questions} questions, {time.monotonic() - began:.0f} s")
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
