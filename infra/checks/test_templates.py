"""The gates on the templates as they are."""

import json
import re
import tempfile
import unittest
from pathlib import Path

from checks import lint, parity, policy, scenarios, source, templates
from checks import rules_access as access

SYNTHESISED = {}
FOLDER = tempfile.TemporaryDirectory(prefix="redshift-cdc-cdk-")


def synthesised(name):
    """The CDK app's templates; each scenario is synthesised once."""
    if name not in SYNTHESISED:
        SYNTHESISED[name] = scenarios.synthesise(name, Path(FOLDER.name) / name)
    return SYNTHESISED[name]


class Sam(unittest.TestCase):
    """The SAM templates."""

    def test_translated_templates_pass_cfn_lint(self):
        for name in ("template.yaml", "access.yaml", "source.yaml"):
            with self.subTest(name):
                self.assertEqual(lint.lint_source(templates.sam_source(name)).strip(), "")

    def test_own_rules_find_nothing(self):
        for name, parameters in {**scenarios.PIPELINES, **scenarios.MORE_PIPELINES}.items():
            with self.subTest(name):
                resources = templates.sam_resources(parameters)
                self.assertEqual(policy.findings(resources, *policy.ALWAYS, *policy.PIPELINE), [])
        by_default = templates.sam_resources(scenarios.PIPELINES["serverless"])
        self.assertEqual(policy.findings(by_default, *policy.BY_DEFAULT), [])
        with_options = templates.sam_resources(scenarios.PIPELINES["all-options"])
        self.assertEqual(policy.findings(with_options, *policy.WITH_OPTIONS), [])
        for name, parameters in scenarios.ACCESS.items():
            with self.subTest(f"access {name}"):
                resources = templates.sam_resources(parameters, "access.yaml")
                rules = (*policy.ALWAYS, access.only_the_broker_port_is_opened)
                self.assertEqual(policy.findings(resources, *rules), [])
        for name, parameters in scenarios.SOURCE.items():
            with self.subTest(f"source {name}"):
                resources = templates.sam_resources(parameters, "source.yaml")
                rules = (*policy.ALWAYS, *(policy.WITH_OPTIONS if name == "all-options" else ()), access.only_broker_and_database_ports_are_opened)
                self.assertEqual(policy.findings(resources, *rules), [])

    def test_every_statement_is_explained(self):
        """The line above a statement says why it is there."""
        for name in ("template.yaml", "access.yaml", "source.yaml"):
            lines = (templates.SAM_FOLDER / name).read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines, 1):
                if re.match(r"\s*- Sid: ", line):
                    above = lines[number - 2].strip()
                    self.assertTrue(above.startswith("#"), f"{name}:{number}: {line.strip()} has no reason above it")

    def test_dashboard_is_the_file(self):
        body = templates.sam_source()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        self.assertEqual(json.loads(body), json.loads((templates.INFRA / "dashboard.json").read_text(encoding="utf-8")))


class Functions(unittest.TestCase):
    """The templates against the functions' sources."""

    def test_environment_is_what_the_functions_read(self):
        for name, parameters in scenarios.PIPELINES.items():
            with self.subTest(name):
                resources = templates.sam_resources(parameters)
                self.assertEqual(list(source.settings_findings(resources, templates.sam_source())), [])

    def test_metrics_are_what_the_functions_publish(self):
        self.assertGreater(len(source.emitted()), 25, "the code's metrics were not found")
        resources = templates.sam_resources(scenarios.PIPELINES["all-options"])
        self.assertGreater(len(list(source.used(resources))), 25)
        self.assertEqual(list(source.metrics_findings(resources)), [])

    def test_the_example_pipeline_has_the_roles(self):
        text = (templates.INFRA / "pipeline" / "pipeline.yaml").read_text(encoding="utf-8")
        prefix = templates.sam_source()["Parameters"]["RolePrefix"]["Default"]
        for function in ("change-handler", "refresher", "lag-monitor"):
            self.assertIn(f'"IAMR:{prefix}-{function}"', text)


class Parity(unittest.TestCase):
    """SAM and CDK deploy the same."""

    def test_pipelines_are_equal(self):
        for name, parameters in scenarios.PIPELINES.items():
            with self.subTest(name):
                sam = parity.canonical(templates.translate(templates.sam_source()), parameters)
                cdk = parity.canonical(synthesised(name)[0], {})
                self.assertGreater(len(sam), 35)
                self.assertEqual(parity.differences(sam, cdk), [])

    def test_more_topics_are_as_the_third(self):
        expected = parity.canonical(templates.translate(templates.sam_source()), scenarios.MORE_PIPELINES["three-topics"])
        third = scenarios.TOPICS[2]
        of_third = {name: one for name, one in expected.items() if f"[{third}]" in name}
        self.assertEqual(len(of_third), 2, "a mapping and the alarm on its pollers")
        for topic in scenarios.MORE_TOPICS:
            expected.update(json.loads(json.dumps(of_third).replace(third, topic)))
        self.assertEqual(parity.differences(expected, parity.canonical(synthesised("five-topics")[0], {})), [])

    def test_access_is_equal(self):
        for name, parameters in scenarios.ACCESS.items():
            with self.subTest(name):
                sam = parity.canonical(templates.translate(templates.sam_source("access.yaml")), parameters)
                cdk = parity.canonical(synthesised(name)[1], {})
                self.assertEqual(parity.differences(sam, cdk), [])

    def test_cdk_passes_cfn_lint(self):
        path = Path(FOLDER.name) / "cdk.json"
        path.write_text(json.dumps(synthesised("all-options")[0]), encoding="utf-8")
        # W3005: CDK orders functions after their roles, which the references do already.
        self.assertEqual(lint.lint(path, ignore="W3005").strip(), "")


if __name__ == "__main__":
    unittest.main()
