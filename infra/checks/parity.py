"""Compares what SAM and CDK deploy: every resource with every property.

Both templates are resolved for the same parameters. Resources are matched by their name: SAM's logical ids are the CDK
constructs' ids, apart from mappings (matched by topic) and their alarms. Differences in form that CloudFormation takes
for the same are levelled; everything else is a finding.
"""

import json
import re

from checks.templates import Resolver, as_list

# Where the two packagers put files; names and hashes differ by design.
_ARTIFACTS = {"AWS::Lambda::Function": ["Code"], "AWS::Lambda::LayerVersion": ["Content", "LayerName"]}
# CDK adds these, SAM adds tags of its own.
_IGNORED_PROPERTIES = {"Tags", "LicenseInfo"}
_IGNORED_TYPES = {"AWS::CDK::Metadata"}
_LISTS_WITHOUT_ORDER = {
    "Action", "Resource", "Statement", "ManagedPolicyArns", "SubnetIds", "Dimensions", "Service", "Policies", "Queues",
}


def canonical(template, parameters):
    """Name -> resource of a template, with both sides' own forms levelled."""
    resources = Resolver(template, parameters).all()
    names = {logical: _name(logical, resource, resources) for logical, resource in resources.items()}
    result = {}
    for logical, resource in resources.items():
        if resource["Type"] in _IGNORED_TYPES:
            continue
        name = names[logical]
        if name in result:
            raise ValueError(f"two resources are called {name}")
        ignored = _IGNORED_PROPERTIES | set(_ARTIFACTS.get(resource["Type"], []))
        properties = {key: value for key, value in resource["Properties"].items() if key not in ignored}
        if resource["Type"] in ("AWS::IAM::ManagedPolicy",) and properties.get("Path") == "/":
            del properties["Path"]
        result[name] = {
            "Type": resource["Type"],
            "Deletion": resource.get("DeletionPolicy", "Delete"),
            "Replacement": resource.get("UpdateReplacePolicy", "Delete"),
            "Properties": _level(_rename(properties, names)),
            "After": sorted(names[one] for one in resource["DependsOn"] if _matters(resources, one)),
        }
    return result


def _matters(resources, logical):
    """An order that nothing else expresses. CDK also orders functions after their roles, which references do."""
    return resources[logical]["Type"] not in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")


def _name(logical, resource, resources):
    properties = resource["Properties"]
    if resource["Type"] == "AWS::Lambda::EventSourceMapping":
        return f"Mapping[{properties['Topics'][0]}]"
    if resource["Type"] == "AWS::CloudWatch::Alarm":
        for dimension in properties.get("Dimensions", []):
            mapping = dimension["Value"].get("ref") if isinstance(dimension["Value"], dict) else None
            if dimension["Name"] == "EventSourceMappingUUID":
                return f"{properties['MetricName']}[{resources[mapping]['Properties']['Topics'][0]}]"
    path = resource["Metadata"].get("aws:cdk:path")
    if path is None:
        # SAM appends a hash of the content to a layer's logical id.
        return re.sub("[0-9a-f]{10}$", "", logical) if resource["Type"] == "AWS::Lambda::LayerVersion" else logical
    _stack, _construct, *parts = path.split("/")
    if parts[-1] in ("Resource", "Default"):
        parts.pop()
    return "".join(parts)


def _rename(node, names):
    """References by the common names."""
    if isinstance(node, list):
        return [_rename(item, names) for item in node]
    if isinstance(node, dict):
        if set(node) == {"ref"}:
            return {"ref": names[node["ref"]]}
        if set(node) == {"att"}:
            logical, attribute = node["att"].split(".", 1)
            return {"att": f"{names[logical]}.{attribute}"}
        return {key: _rename(value, names) for key, value in node.items()}
    if isinstance(node, str):
        for logical, name in sorted(names.items(), key=lambda pair: -len(pair[0])):
            node = node.replace(f"<ref {logical}>", f"<ref {name}>").replace(f"<att {logical}.", f"<att {name}.")
    return node


def _level(node, key=None):
    """One form for what CloudFormation takes for the same: 5 and "5", true and "true", one thing and a list of it."""
    if isinstance(node, dict):
        if set(node) == {"ref"} or set(node) == {"att"}:
            return node
        return {name: _level(value, name) for name, value in node.items()}
    if key == "DashboardBody":
        return json.loads(node)
    if key in _LISTS_WITHOUT_ORDER:
        return sorted((_level(item) for item in as_list(node)), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(node, list):
        return [_level(item) for item in node]
    if isinstance(node, bool):
        return "true" if node else "false"
    return str(node)


def differences(left, right, left_name="SAM", right_name="CDK"):
    """Findings, one line each."""
    found = []
    for name in sorted(set(left) | set(right)):
        if name not in right:
            found.append(f"{name}: only {left_name} has it")
        elif name not in left:
            found.append(f"{name}: only {right_name} has it")
        else:
            found.extend(_compare(left[name], right[name], name, left_name, right_name))
    return found


def _compare(left, right, path, left_name, right_name):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(set(left) | set(right)):
            if key not in left or key not in right:
                side, value = (left_name, left[key]) if key in left else (right_name, right[key])
                yield f"{path}.{key}: only {side} has it: {json.dumps(value)[:200]}"
            else:
                yield from _compare(left[key], right[key], f"{path}.{key}", left_name, right_name)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right)):
            yield from _compare(one, other, f"{path}[{index}]", left_name, right_name)
    elif left != right:
        yield f"{path}: {left_name} {json.dumps(left)[:300]}, {right_name} {json.dumps(right)[:300]}"
