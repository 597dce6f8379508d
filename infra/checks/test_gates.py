"""Spoils the templates, one thing at a time, and expects the gate to notice.

A gate that no mutation trips is no gate: every rule of `policy` has at least one here, which the last test checks.
"""

import unittest

from checks import golden, lint, parity, policy, scenarios, source, templates
from checks import rules_access as access
from checks.mutations import LINTED, MUTATIONS, at, change, own, properties

SERVERLESS = scenarios.PIPELINES["serverless"]
ALL_OPTIONS = scenarios.PIPELINES["all-options"]


class PolicyRules(unittest.TestCase):
    """Our own rules notice."""

    def test_each_mutation_is_noticed_by_its_rule(self):
        for rule, what, spoil in MUTATIONS:
            with self.subTest(f"{rule.__name__}: {what}"):
                template = templates.sam_source()
                spoil(template)
                parameters = ALL_OPTIONS if rule in policy.WITH_OPTIONS else SERVERLESS
                found = policy.findings(templates.sam_resources(parameters, source=template), rule)
                self.assertNotEqual(found, [])

    def test_every_rule_has_a_mutation(self):
        rules = {*policy.ALWAYS, *policy.PIPELINE, *policy.BY_DEFAULT, *policy.WITH_OPTIONS}
        self.assertEqual(rules - {rule for rule, _, _ in MUTATIONS}, set())

    def test_the_connectors_password_is_a_reference(self):
        template = templates.sam_source("source.yaml")
        configuration = properties(template, "Connector")["ConnectorConfiguration"]["Fn::If"][1]
        configuration["database.password"] = "hunter2"
        resources = templates.sam_resources(scenarios.SOURCE["mysql"], "source.yaml", template)
        self.assertNotEqual(policy.findings(resources, access.no_static_secrets), [])
        properties(template, "DatabaseFromConnector")["FromPort"] = 22
        resources = templates.sam_resources(scenarios.SOURCE["mysql"], "source.yaml", template)
        self.assertNotEqual(policy.findings(resources, access.only_broker_and_database_ports_are_opened), [])


class Golden(unittest.TestCase):
    """What is deployed is written out, so that no change gets in unseen."""

    def test_what_no_rule_looks_at_is_seen(self):
        configuration = lambda t, kind: at(properties(t, "Connector"), "ConnectorConfiguration", "Fn::If", kind)
        for name, spoil in (
            ("template.yaml", lambda t: change(properties(t, "ChangeHandler"), "MemorySize", 128)),
            ("template.yaml", lambda t: change(properties(t, "LagMonitor"), "Timeout", 3)),
            ("template.yaml", lambda t: change(t["Resources"]["RefresherLogs"], "UpdateReplacePolicy", "Delete")),
            ("template.yaml", lambda t: change(t["Resources"]["Provisioning"], "DeletionPolicy", "Retain")),
            ("template.yaml", lambda t: change(t["Parameters"]["MskClusterArn"], "AllowedPattern", None)),
            ("template.yaml", lambda t: change(t["Parameters"]["LogRetentionDays"], "Default", 3653)),
            ("template.yaml", lambda t: change(t["Rules"]["OneWarehouse"], "Assertions", [])),
            ("template.yaml", lambda t: change(t["Outputs"], "ProvisioningSteps", None)),
            ("template.yaml", lambda t: change(at(t, "Conditions"), "HasAlarmTopic", {"Fn::Equals": ["a", "b"]})),
            ("template.yaml", lambda t: own(t, "RefresherRole", "WriteOwnLogs")["Action"].append("logs:DeleteLogStream")),
            ("template.yaml", lambda t: change(own(t, "RefresherRole", "WriteOwnLogs"), "Resource", {"Fn::Sub": "${ProvisionerLogs.Arn}"})),
            ("template.yaml", lambda t: change(properties(t, "Mapping1"), "MaximumBatchingWindowInSeconds", 300)),
            ("template.yaml", lambda t: change(at(properties(t, "ChangeHandler"), "Environment", "Variables"), "MAX_ROWS_PER_MERGE", 1)),
            ("template.yaml", lambda t: change(at(t, "Globals", "Function", "Environment", "Variables"), "WAREHOUSE_DATABASE", "production")),
            ("template.yaml", lambda t: change(properties(t, "RefreshSchedule"), "ScheduleExpressionTimezone", "Asia/Tokyo")),
            ("template.yaml", lambda t: change(properties(t, "RefresherInvocations"), "DestinationConfig", {"OnSuccess": {"Destination": "arn:aws:sqs:us-east-1:999999999999:q"}})),
            ("template.yaml", lambda t: change(properties(t, "BrokersFromFunctions"), "SourceSecurityGroupId", {"Ref": "MskSecurityGroupId"})),
            ("template.yaml", lambda t: change(t["Outputs"], "Address", {"Value": {"Ref": "LogKmsKeyArn"}, "Export": {"Name": "key"}})),
            ("template.yaml", lambda t: change(t["Resources"]["ScheduleDeadLetters"], "DeletionPolicy", "Retain")),
            ("template.yaml", lambda t: change(properties(t, "ProvisionerRole"), "MaxSessionDuration", 43200)),
            ("template.yaml", lambda t: change(properties(t, "Refresher"), "EphemeralStorage", {"Size": 10240})),
            # Only one scenario each takes these sides of two conditions.
            ("template.yaml", lambda t: properties(t, "Mapping3")["MetricsConfig"]["Fn::If"].__setitem__(2, {"Metrics": ["EventCount"]})),
            ("template.yaml", lambda t: properties(t, "Mapping2")["MaximumRetryAttempts"]["Fn::If"].__setitem__(2, 3)),
            ("template.yaml", lambda t: properties(t, "FailureDestination1Alarm")["OKActions"]["Fn::If"].__setitem__(2, ["arn"])),
            ("template.yaml", lambda t: properties(t, "Mapping3")["DestinationConfig"]["Fn::If"].__setitem__(2, {"OnFailure": {"Destination": "arn"}})),
            ("access.yaml", lambda t: own(t, "RedshiftStreamingRole", "ReadTopics")["Action"].append("kafka-cluster:WriteData")),
            ("access.yaml", lambda t: change(properties(t, "BrokersFromWarehouse"), "GroupId", {"Ref": "WarehouseSecurityGroupId"})),
            ("source.yaml", lambda t: change(configuration(t, 1), "snapshot.mode", "never")),
            ("source.yaml", lambda t: change(configuration(t, 2), "plugin.name", "decoderbufs")),
            ("source.yaml", lambda t: change(properties(t, "Connector"), "KafkaClusterEncryptionInTransit", {"EncryptionType": "PLAINTEXT"})),
            ("source.yaml", lambda t: own(t, "ConnectorRole", "ReadDatabaseUser").update(Action="secretsmanager:PutSecretValue")),
        ):
            template = templates.sam_source(name)
            spoil(template)
            self.assertNotEqual(golden.differences(name, template), [], name)


class Lint(unittest.TestCase):
    """cfn-lint notices, after the translation."""

    def test_each_mutation_is_noticed(self):
        for code, spoil in LINTED:
            with self.subTest(code):
                template = templates.sam_source()
                spoil(template)
                self.assertIn(code, lint.lint_source(template))


class SourceComparison(unittest.TestCase):
    """The comparison with the functions' sources notices."""

    def settings(self, spoil):
        template = templates.sam_source()
        spoil(template)
        return list(source.settings_findings(templates.sam_resources(SERVERLESS, source=template), template))

    def metrics(self, spoil):
        template = templates.sam_source()
        spoil(template)
        return list(source.metrics_findings(templates.sam_resources(SERVERLESS, source=template)))

    def test_settings(self):
        variables = lambda t, name: at(properties(t, name), "Environment", "Variables")
        for spoil in (
            lambda t: change(variables(t, "Refresher"), "MAX_ROW_PER_MERGE", 5),
            lambda t: change(variables(t, "Provisioner"), "REDSHIFT_ROLE_ARN", None),
            lambda t: change(variables(t, "LagMonitor"), "WAREHOUSE_SECRET_ARN", "x"),
            lambda t: change(t["Parameters"]["MaxRowsPerMerge"], "Default", 7),
        ):
            self.assertEqual(len(self.settings(spoil)) > 0, True)

    def test_metrics(self):
        def dashboard(old, new):
            def spoil(template):
                place = properties(template, "Dashboard")["DashboardBody"]
                self.assertIn(old, place["Fn::Sub"])
                place["Fn::Sub"] = place["Fn::Sub"].replace(old, new)
            return spoil

        for spoil in (
            lambda t: change(properties(t, "BehindAlarm"), "MetricName", "behind_table"),
            lambda t: at(properties(t, "BehindAlarm"), "Dimensions").pop(),
            lambda t: [change(t["Resources"], f"RefresherHeldAlarm{what}", None) for what in ("", "Permission")],
            lambda t: change(at(properties(t, "LostRecordsAlarm"), "Dimensions", 1), "Value", "refresher"),
            lambda t: change(at(properties(t, "QuarantineNotEmptyAlarm"), "Metrics", 0), "Expression", {"Fn::Sub": "SELECT MAX(quarantined_records) FROM SCHEMA(\"redshift-cdc\", \"pipeline\") WHERE x = 'y'"}),
            dashboard("landing_lag_records", "landing_lag"),
            dashboard('"redshift-cdc", "submitted_statements", "function"', '"redshift-cdc", "submitted_statements", "table"'),
            dashboard('function=\\"lag-monitor\\"', 'function=\\"refresher\\"'),
        ):
            self.assertNotEqual(self.metrics(spoil), [])


class Parity(unittest.TestCase):
    """The comparison of SAM and CDK notices."""

    def test_a_difference_is_found(self):
        whole = parity.canonical(templates.translate(templates.sam_source()), ALL_OPTIONS)
        for spoil in (
            lambda t: change(properties(t, "Mapping3"), "BatchSize", 9),
            lambda t: change(properties(t, "LagMonitor"), "Timeout", 61),
            lambda t: change(at(properties(t, "Refresher"), "Environment", "Variables"), "KAFKA_CA_FILE", None),
            lambda t: at(own(t, "ChangeHandlerRole", "UseConsumerGroups"), "Action").append("kafka-cluster:DeleteGroup"),
            lambda t: change(t["Resources"]["LagMonitorSchedule"], "DependsOn", None),
            lambda t: change(t["Resources"], "ScheduleDeadLettersPolicy", None),
            lambda t: change(t["Resources"]["RefresherLogs"], "UpdateReplacePolicy", "Delete"),
            lambda t: change(t["Resources"]["RefresherLogs"], "DeletionPolicy", "Retain"),
            lambda t: change(properties(t, "RefreshSchedule"), "ScheduleExpression", "rate(9 minutes)"),
        ):
            template = templates.sam_source()
            spoil(template)
            spoilt = parity.canonical(templates.translate(template), ALL_OPTIONS)
            self.assertNotEqual(parity.differences(spoilt, whole), [])


if __name__ == "__main__":
    unittest.main()
