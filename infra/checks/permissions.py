"""PERMISSIONS.md: every statement of every policy in one place, for who has to approve it.

Statements come from the resolved templates, their reasons from the comments above them in the SAM templates. A test
keeps the file up to date, so that a wider permission cannot get in without a line that says so.
"""

import json
import re

from checks import scenarios, templates
from checks.templates import as_list, policy_documents, statements

FILE = templates.INFRA / "PERMISSIONS.md"
_HEAD = """# Permissions

Every statement of every policy, resolved for one account, region, cluster and pipeline (`123456789012`, `us-east-1`, `sales`, `salesdb`). Made from the SAM templates by `UPDATE_GOLDEN=1 cargo verify infra`, and compared with them by `cargo verify infra`; the CDK construct is compared with the SAM templates.
"""
_PARTS = (
    ("template.yaml", "all-options", "The pipeline", "With a failure destination, which is off by default; the first scenario of the gates has none."),
    ("template.yaml", "cluster-on-demand", "The pipeline with a provisioned Redshift cluster", "Only what differs from the above."),
    ("access.yaml", "serverless", "Redshift's access", ""),
    ("source.yaml", "all-options", "The source (optional)", "With a KMS key of the secret's own."),
)


def reasons(name):
    """(owner, Sid) -> the comment above the statement in a SAM template."""
    found = {}
    owner = None
    lines = (templates.SAM_FOLDER / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if match := re.fullmatch(r"  (\w+):", line):
            owner = match.group(1)
        if match := re.match(r"\s*- Sid: (\w+)", line):
            above = []
            for before in reversed(lines[:number]):
                if not before.strip().startswith("#"):
                    break
                above.insert(0, before.strip().lstrip("# "))
            found.setdefault((owner, match.group(1)), " ".join(above))
    return found


def _cell(values):
    return "<br>".join(f"`{value if isinstance(value, str) else json.dumps(value)}`" for value in sorted(as_list(values), key=str))


def _rows(resources, name):
    why = reasons(name)
    for owner, policy, document in policy_documents(resources):
        for statement in statements(document):
            conditions = [f"{operator} {key} {_one(value)}" for operator, pairs in statement.get("Condition", {}).items() for key, value in pairs.items()]
            yield (owner, f"| {owner} | {statement['Sid']} | {'**not** ' if statement['Effect'] == 'Deny' else ''}{_cell(statement['Action'])} | {_cell(statement['Resource'])} | "
                          f"{_cell(conditions) if conditions else ''} | {why.get((owner, statement['Sid']), '')} |")


def _one(value):
    return value if isinstance(value, str) else json.dumps(value)


def _trusts(resources):
    for owner, resource in sorted(resources.items()):
        if resource["Type"] == "AWS::IAM::Role":
            for statement in statements(resource["Properties"]["AssumeRolePolicyDocument"]):
                condition = f" if `{json.dumps(statement['Condition'])}`" if "Condition" in statement else ""
                yield f"- {owner}: `{statement['Principal']['Service']}`{condition}"


def rendered():
    """The file's text."""
    text = _HEAD
    before = set()
    for name, scenario, title, remark in _PARTS:
        parameters = {"template.yaml": scenarios.PIPELINES, "access.yaml": scenarios.ACCESS, "source.yaml": scenarios.SOURCE}[name][scenario]
        resources = templates.sam_resources(parameters, name)
        rows = [row for _, row in _rows(resources, name) if row not in before]
        before |= set(rows)
        trusts = [line for line in _trusts(resources) if line not in before]
        before |= set(trusts)
        text += f"\n## {title}\n\n" + (f"{remark}\n\n" if remark else "")
        text += "| policy of | statement | may | on | if | why |\n|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
        text += ("\nAssumed by:\n\n" + "\n".join(trusts) + "\n") if trusts else ""
    return text
