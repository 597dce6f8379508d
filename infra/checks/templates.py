"""Reads the SAM templates and the CDK app's, and resolves them for given parameters.

A resolved template has no parameters, conditions or intrinsic functions except references to other resources of the
same template, which become `{"ref": "<logical id>"}` or `{"att": "<logical id>.<attribute>"}`. That makes templates
comparable. It resolves what our templates use and refuses everything else, so that nothing is compared unresolved.
"""

import copy
import functools
import json
import logging
import os
import re
from pathlib import Path

import yaml
from samtranslator.translator.transform import transform

INFRA = Path(__file__).resolve().parent.parent
SAM_FOLDER = INFRA / "sam"

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "redshift-cdc",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()

# The translator's own usage metrics are not published, and it would say so each time.
logging.getLogger("samtranslator").setLevel(logging.ERROR)
# The translator asks its AWS session for a region, and nothing else.
os.environ["AWS_DEFAULT_REGION"] = PSEUDO["AWS::Region"]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms of intrinsic functions."""


def _short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)
# CloudFormation reads dates as text: a policy's version is one.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path):
    """A template as written."""
    return yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader)


@functools.cache
def _sam_source(name):
    return read_yaml(SAM_FOLDER / name)


def sam_source(name="template.yaml"):
    """A SAM template as written; a copy that may be changed."""
    return copy.deepcopy(_sam_source(name))


def translate(source):
    """What CloudFormation gets of a SAM template. Local files become a place in Amazon S3, as `sam deploy` does."""
    template = json.loads(json.dumps(source))
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for key in ("CodeUri", "ContentUri"):
            if key in properties:
                properties[key] = f"s3://artifacts/{Path(properties[key]).name}"
    if "Transform" not in template:
        return template
    # The names of AWS's managed policies are looked up only if a template uses them by name; ours use none.
    return json.loads(json.dumps(transform(template, {}, _NoManagedPolicies())))


class _NoManagedPolicies:
    def load(self):
        """Nothing: no template names a managed policy of AWS."""
        return {}


class Unresolved(Exception):
    """A template uses something that this reader does not understand."""


class Resolver:
    """Resolves one template for one set of parameters."""

    def __init__(self, template, parameters):
        self.template = template
        self.resources = template["Resources"]
        self.parameters = {}
        for name, declared in template.get("Parameters", {}).items():
            if name in parameters:
                value = parameters[name]
            elif "Default" in declared:
                value = declared["Default"]
            else:
                raise Unresolved(f"parameter {name} has no value")
            if declared["Type"].startswith("List<") and isinstance(value, str):
                value = value.split(",")
            self.parameters[name] = value
        unknown = set(parameters) - set(template.get("Parameters", {}))
        if unknown:
            raise Unresolved(f"the template has no parameters {sorted(unknown)}")

    def all(self):
        """Logical id -> resolved resource, without those whose condition does not hold."""
        result = {}
        for name, resource in self.resources.items():
            if "Condition" in resource and not self.condition(resource["Condition"]):
                continue
            resolved = {"Type": resource["Type"], "Properties": self.value(resource.get("Properties", {}))}
            for key in ("DeletionPolicy", "UpdateReplacePolicy"):
                if key in resource:
                    resolved[key] = resource[key]
            depends = resource.get("DependsOn", [])
            resolved["DependsOn"] = sorted([depends] if isinstance(depends, str) else depends)
            resolved["Metadata"] = resource.get("Metadata", {})
            result[name] = resolved
        return result

    def condition(self, name):
        """Whether a condition holds."""
        declared = self.template.get("Conditions", {})
        if name not in declared:
            raise Unresolved(f"there is no condition {name}")
        return self.test(declared[name])

    def test(self, node):
        """Whether a condition's expression holds."""
        (function, argument), = node.items()
        if function == "Condition":
            return self.condition(argument)
        if function == "Fn::Equals":
            left, right = (self.value(side) for side in argument)
            return str(left) == str(right)
        if function == "Fn::Not":
            return not self.test(argument[0])
        if function == "Fn::And":
            return all(self.test(one) for one in argument)
        if function == "Fn::Or":
            return any(self.test(one) for one in argument)
        raise Unresolved(f"condition function {function}")

    def value(self, node):
        """A value without intrinsic functions."""
        if isinstance(node, list):
            return [one for one in (self.value(item) for item in node) if one is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (function, argument), = node.items()
            if function == "Ref":
                return self.reference(argument)
            if function.startswith("Fn::"):
                return self.function(function, argument)
        resolved = {key: self.value(item) for key, item in node.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def reference(self, name):
        """What `Ref` gives."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        if name in self.resources:
            return {"ref": name}
        raise Unresolved(f"there is no parameter or resource {name}")

    def attribute(self, path):
        """What `Fn::GetAtt` gives."""
        logical, attribute = path.split(".", 1) if isinstance(path, str) else path
        if logical not in self.resources:
            raise Unresolved(f"there is no resource {logical}")
        return {"att": f"{logical}.{attribute}"}

    def function(self, function, argument):
        """What an intrinsic function gives."""
        if function == "Fn::GetAtt":
            return self.attribute(argument)
        if function == "Fn::If":
            name, yes, no = argument
            return self.value(yes if self.condition(name) else no)
        if function == "Fn::Sub":
            return self.substitute(argument)
        if function == "Fn::Base64":
            return self.value(argument)  # as text, which can be read
        if function == "Fn::Join":
            separator, parts = argument
            return join([self.value(part) for part in self.value(parts)], separator)
        if function == "Fn::Split":
            separator, text = argument
            return self.value(text).split(separator)
        if function == "Fn::Select":
            index, items = argument
            return self.value(items)[int(index)]
        raise Unresolved(f"function {function}")

    def substitute(self, argument):
        """What `Fn::Sub` gives."""
        text, own = (argument, {}) if isinstance(argument, str) else argument
        parts = []
        for piece in re.split(r"(\$\{[^}]+\})", text):
            if not piece.startswith("${"):
                parts.append(piece)
                continue
            name = piece[2:-1]
            if name.startswith("!"):
                parts.append("${" + name[1:] + "}")
            elif name in own:
                parts.append(self.value(own[name]))
            elif "." in name:
                parts.append(self.attribute(name))
            else:
                parts.append(self.reference(name))
        return join(parts, "")


def join(parts, separator):
    """Text, with references to resources written as `<ref Name>` inside it."""
    if separator == "" and len([part for part in parts if part != ""]) == 1:
        only, = (part for part in parts if part != "")
        if isinstance(only, dict):
            return only
    return separator.join(part if isinstance(part, str) else _inline(part) for part in parts)


def _inline(part):
    if isinstance(part, dict):
        (kind, name), = part.items()
        return f"<{kind} {name}>"
    return str(part)


def sam_resources(parameters, name="template.yaml", source=None):
    """The resolved resources of a SAM template."""
    return Resolver(translate(source or sam_source(name)), parameters).all()


def of_type(resources, kind):
    """(name, properties) of one type."""
    return [(name, one["Properties"]) for name, one in sorted(resources.items()) if one["Type"] == kind]


def as_list(value):
    """IAM and CloudFormation take one thing or a list of them."""
    return value if isinstance(value, list) else [value]


def statements(document):
    """The statements of a policy document."""
    return as_list(document["Statement"])


def policy_documents(resources):
    """(logical id, policy name, document) of every identity policy in resolved resources."""
    for logical, resource in sorted(resources.items()):
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                yield logical, policy["PolicyName"], policy["PolicyDocument"]
        elif resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
            yield logical, logical, properties["PolicyDocument"]
