"""What is deployed, written out: every resource with every property, for each scenario, and what a deployer can choose.

The comparison of SAM and CDK does not see a change that was made to both, and nothing is compared with `source.yaml`.
These files do: a change that nobody wanted shows as a difference, and a wanted one is read before it is kept. After a
wanted change run the gates once with UPDATE_GOLDEN=1 and read the difference as a security reviewer would.
"""

import difflib
import json
import os

import yaml

from checks import scenarios, templates

FOLDER = templates.INFRA / "checks" / "golden"
# Template -> scenarios, the first of which is written out whole.
TEMPLATES = {"template.yaml": {**scenarios.PIPELINES, **scenarios.MORE_PIPELINES}, "access.yaml": scenarios.ACCESS, "source.yaml": scenarios.SOURCE}


class _Readable(yaml.SafeDumper):
    """YAML with policies' versions and text with line ends as one would write them; nothing by reference."""

    def ignore_aliases(self, data):
        return True


def _text(dumper, value):
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Readable.add_representer(str, _text)


def written(name, source=None):
    """File name -> text of one template's golden files."""
    source = source or templates.sam_source(name)
    stem = name.removesuffix(".yaml")
    interface = {key: source[key] for key in ("Parameters", "Rules", "Outputs") if key in source}
    files = {f"{stem}.interface.yaml": _dump("What a deployer gives and gets.", interface)}
    translated = templates.translate(source)
    whole = None
    for scenario, parameters in TEMPLATES[name].items():
        resources = {logical: _plain(one) for logical, one in templates.Resolver(translated, parameters).all().items()}
        if whole is None:
            title, shown, whole = f"Every resource of the scenario {scenario}.", resources, resources
        else:
            title = f"What the scenario {scenario} has otherwise than {next(iter(TEMPLATES[name]))}."
            shown = {logical: one for logical, one in resources.items() if whole.get(logical) != one}
            shown["(not there)"] = sorted(set(whole) - set(resources))
        files[f"{stem}.{scenario}.yaml"] = _dump(title, shown)
    return files


def _plain(resource):
    result = {key: value for key, value in resource.items() if key != "Metadata" and value != []}
    if "DashboardBody" in result["Properties"]:
        # Compared with dashboard.json by a test of its own.
        result["Properties"] = {**result["Properties"], "DashboardBody": "(dashboard.json)"}
    return json.loads(json.dumps(result))


def _dump(title, value):
    return f"# {title}\n" + yaml.dump(value, Dumper=_Readable, sort_keys=True, allow_unicode=True, width=110)


def differences(name, source=None):
    """Where a template's golden files differ from what it deploys, as lines of a diff."""
    found = []
    for file, text in written(name, source).items():
        path = FOLDER / file
        if os.environ.get("UPDATE_GOLDEN") and source is None:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        kept = path.read_text(encoding="utf-8") if path.is_file() else ""
        found += difflib.unified_diff(kept.splitlines(), text.splitlines(), f"checks/golden/{file}", "the template", lineterm="", n=2)
    return found
