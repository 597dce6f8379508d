"""READMEs, example files, parameters and the picture are of these templates; the comparisons notice when not."""

import hashlib
import unittest

from checks import docs, scenarios, templates


class Documents(unittest.TestCase):
    """What people read is what is deployed."""

    def setUp(self):
        self.template = templates.sam_source()
        self.readme = docs.read("README.md")
        self.resources = templates.sam_resources(scenarios.PIPELINES["all-options"])

    def test_settings_of_the_connector(self):
        self.assertEqual(list(docs.source_settings_findings(self.readme, docs.connectors())), [])
        for path, key, value in (((1,), "decimal.handling.mode", "double"), ((2,), "snapshot.mode", "never"), ((1,), "tombstones.on.delete", None), ((2,), "skipped.operations", "t")):
            template = templates.sam_source("source.yaml")
            place = template["Resources"]["Connector"]["Properties"]["ConnectorConfiguration"]["Fn::If"][path[0]]
            place.pop(key) if value is None else place.update({key: value})
            self.assertNotEqual(list(docs.source_settings_findings(self.readme, docs.connectors(template))), [], key)

    def test_configuration_of_sam(self):
        text = docs.read("sam/samconfig.toml")
        sources = {name: templates.sam_source(name) for name in ("template.yaml", "access.yaml", "source.yaml")}
        self.assertEqual(list(docs.samconfig_findings(text, sources)), [])
        for old, new in (('"access.yaml"', '"acces.yaml"'), (" pipeline=salesdb", ""), ("tags = ", "# tags = "), ("NAMED_IAM", "IAM"), ("= true", "= false"), ("stack_name", "name")):
            self.assertNotEqual(list(docs.samconfig_findings(text.replace(old, new, 1), sources)), [], new)

    def test_groups_of_parameters(self):
        for name in ("template.yaml", "access.yaml", "source.yaml"):
            template = templates.sam_source(name)
            if "Metadata" in template:
                self.assertEqual(list(docs.group_findings(template)), [])
        self.template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"][0]["Parameters"].pop()
        self.assertNotEqual(list(docs.group_findings(self.template)), [])

    def test_sam_and_cdk_offer_the_same_choices(self):
        text = docs.read("cdk/lib/settings.ts")
        self.assertEqual(list(docs.properties_findings(text, self.template)), [])
        self.assertNotEqual(list(docs.properties_findings(text.replace("readonly batchSize?", "readonly batchsize?"), self.template)), [])

    def test_example_of_cdk(self):
        text, settings = docs.read("cdk/deployment.example.yaml"), docs.read("cdk/lib/settings.ts")
        self.assertEqual(list(docs.deployment_findings(text, settings)), [])
        self.assertNotEqual(list(docs.deployment_findings(text.replace("vpcId", "vpc"), settings)), [])

    def test_every_metric_is_shown_or_left_out_with_a_reason(self):
        self.assertEqual(list(docs.shown_findings(self.resources)), [])
        del self.resources["LostRecordsAlarm"]
        body = self.resources["Dashboard"]["Properties"]["DashboardBody"]
        self.resources["Dashboard"]["Properties"]["DashboardBody"] = body.replace('"lost_records"', '"poison_records"')
        self.assertNotEqual(list(docs.shown_findings(self.resources)), [])

    def test_number_of_alarms(self):
        self.assertEqual(list(docs.alarm_count_findings(self.readme, self.resources)), [])
        del self.resources["UnknownAlarm"]
        self.assertNotEqual(list(docs.alarm_count_findings(self.readme, self.resources)), [])

    def test_picture_is_of_this_dashboard(self):
        """`cargo verify deploy` draws it; it says how to take the new one over."""
        picture = (templates.INFRA / "dashboard.png").read_bytes()
        wanted = hashlib.sha256((templates.INFRA / "dashboard.json").read_bytes()).hexdigest()
        self.assertEqual(docs.picture_description(picture), f"dashboard.json {wanted}", "infra/dashboard.png is of another dashboard: copy the one that cargo verify deploy draws")


if __name__ == "__main__":
    unittest.main()
