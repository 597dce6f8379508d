"""Spoils the templates, one thing at a time, and expects the gate to notice.

A gate that no mutation trips is no gate: every rule of `policy` has at least one here, which the last test checks.
"""

import unittest

from checks import lint, parity, policy, scenarios, source, templates

SERVERLESS = scenarios.PIPELINES["serverless"]
ALL_OPTIONS = scenarios.PIPELINES["all-options"]


def at(node, *path):
    """The place in a template."""
    for step in path:
        node = node[step]
    return node


def own(template, role, sid):
    """A statement of a role's own policy, or of a shared policy."""
    properties = template["Resources"][role]["Properties"]
    document = properties.get("PolicyDocument") or properties["Policies"][0]["PolicyDocument"]
    return next(one for one in document["Statement"] if one.get("Sid") == sid)


def properties(template, name):
    """A resource's properties."""
    return template["Resources"][name]["Properties"]


def change(place, key, value):
    """Sets a key; None removes it."""
    if value is None:
        del place[key]
    else:
        place[key] = value


# Rule, what is spoilt, how. Parameters are those of the first scenario.
MUTATIONS = [
    (policy.no_wildcard_without_condition, "a condition is lost", lambda t: change(own(t, "WarehousePolicy", "FollowOwnStatements"), "Condition", None)),
    (policy.no_wildcard_without_condition, "brokers of every cluster", lambda t: change(own(t, "BrokerPolicy", "ConnectToKafka"), "Resource", "*")),
    (policy.no_wildcard_without_condition, "topics of every cluster", lambda t: change(own(t, "LagMonitorRole", "ReadTopics"), "Resource", "arn:aws:kafka:us-east-1:123456789012:topic/*")),
    (policy.no_wildcard_without_condition, "every action", lambda t: change(own(t, "ProvisionerRole", "ReadTopics"), "Action", "kafka-cluster:*")),
    (policy.no_wildcard_without_condition, "everything but", lambda t: change(own(t, "ProvisionerRole", "ReadTopics"), "NotAction", "iam:*")),
    (policy.no_wildcard_without_condition, "a nameless statement", lambda t: change(own(t, "ProvisionerRole", "ReadTopics"), "Sid", None)),
    (policy.topics_are_the_pipelines, "topics of a longer prefix too", lambda t: change(own(t, "LagMonitorRole", "ReadTopics"), "Resource", "arn:aws:kafka:us-east-1:123456789012:topic/sales/1/salesdb*")),
    (policy.only_services_are_trusted, "an account is trusted", lambda t: change(at(properties(t, "RefresherRole"), "AssumeRolePolicyDocument", "Statement", 0), "Principal", {"AWS": "*"})),
    (policy.actions_exist_and_take_their_resources, "a misspelt action", lambda t: change(own(t, "WarehousePolicy", "SubmitStatements"), "Action", "redshift-data:ExecStatement")),
    (policy.actions_exist_and_take_their_resources, "a resource of another kind", lambda t: change(own(t, "BrokerPolicy", "DescribeTopics"), "Resource", {"Ref": "MskClusterArn"})),
    (policy.actions_exist_and_take_their_resources, "a resource where none is known", lambda t: change(own(t, "BrokerPolicy", "AskForBrokers"), "Resource", {"Ref": "MskClusterArn"})),
    (policy.only_the_broker_port_is_opened, "another port", lambda t: change(properties(t, "BrokersFromFunctions"), "ToPort", 9999)),
    (policy.only_the_broker_port_is_opened, "plaintext brokers", lambda t: properties(t, "BrokersFromFunctions").update(FromPort=9092, ToPort=9092)),
    (policy.only_the_broker_port_is_opened, "open to addresses", lambda t: change(properties(t, "BrokersFromFunctions"), "CidrIp", "0.0.0.0/0")),
    (policy.only_the_broker_port_is_opened, "everything out", lambda t: change(properties(t, "FunctionSecurityGroup"), "SecurityGroupEgress", None)),
    (policy.only_the_broker_port_is_opened, "a wide way out", lambda t: change(at(properties(t, "FunctionSecurityGroup"), "SecurityGroupEgress", 1), "FromPort", 0)),
    (policy.logs_are_kept_for_a_time, "no retention", lambda t: change(properties(t, "RefresherLogs"), "RetentionInDays", None)),
    (policy.logs_are_kept_for_a_time, "no log group", lambda t: change(properties(t, "LagMonitor"), "LoggingConfig", None)),
    (policy.no_static_secrets, "a password", lambda t: change(at(properties(t, "Refresher"), "Environment", "Variables"), "DB_PASSWORD", "hunter2")),
    (policy.no_static_secrets, "an access key", lambda t: change(at(properties(t, "Refresher"), "Environment", "Variables"), "KEY", "AKIA" + "A" * 16)),
    (policy.mappings_are_safe, "no partial response", lambda t: change(properties(t, "Mapping1"), "FunctionResponseTypes", None)),
    (policy.mappings_are_safe, "no provisioned pollers", lambda t: change(properties(t, "Mapping2"), "ProvisionedPollerConfig", None)),
    (policy.mappings_are_safe, "the wrong response mode", lambda t: change(at(properties(t, "ChangeHandler"), "Environment", "Variables"), "RESPONSE_MODE", "whole")),
    (policy.mappings_are_safe, "it starts at the end", lambda t: change(properties(t, "Mapping1"), "StartingPosition", "LATEST")),
    (policy.mappings_are_safe, "it gives up", lambda t: change(properties(t, "Mapping1"), "MaximumRetryAttempts", 5)),
    (policy.mappings_are_safe, "it forgets", lambda t: change(properties(t, "Mapping1"), "MaximumRecordAgeInSeconds", 86400)),
    (policy.mappings_are_safe, "it filters", lambda t: change(properties(t, "Mapping1"), "FilterCriteria", {"Filters": [{"Pattern": "{}"}]})),
    (policy.mappings_are_safe, "one group for two", lambda t: change(at(properties(t, "Mapping2"), "AmazonManagedKafkaEventSourceConfig"), "ConsumerGroupId", {"Fn::Sub": "redshift-cdc-${PipelineName}-${Topic1}"})),
    (policy.no_failure_destination, "a failure destination", lambda t: change(properties(t, "Mapping1"), "DestinationConfig", {"OnFailure": {"Destination": scenarios.BUCKET}})),
    (policy.no_failure_destination, "a failure destination by default", lambda t: change(t["Parameters"]["FailureDestinationBucketArn"], "Default", scenarios.BUCKET)),
    (policy.functions_are_ours, "one role for two", lambda t: change(properties(t, "Refresher"), "Role", {"Fn::GetAtt": ["ProvisionerRole", "Arn"]})),
    (policy.functions_are_ours, "an old runtime", lambda t: change(at(t, "Globals", "Function"), "Runtime", "provided.al2")),
    (policy.schedules_do_not_lose_ticks, "no retry", lambda t: change(at(properties(t, "RefreshSchedule"), "Target"), "RetryPolicy", None)),
    (policy.schedules_do_not_lose_ticks, "no dead-letter queue", lambda t: change(at(properties(t, "LagMonitorSchedule"), "Target"), "DeadLetterConfig", None)),
    (policy.schedules_do_not_lose_ticks, "a queue in the clear", lambda t: change(properties(t, "ScheduleDeadLetters"), "SqsManagedSseEnabled", None)),
    (policy.schedules_do_not_lose_ticks, "a queue without TLS", lambda t: change(t["Resources"], "ScheduleDeadLettersPolicy", None)),
    (policy.provisioning_is_ordered, "mappings before tables", lambda t: change(t["Resources"]["Mapping1"], "DependsOn", None)),
    (policy.provisioning_is_ordered, "provisioning before the network", lambda t: change(t["Resources"]["Provisioning"], "DependsOn", None)),
    (policy.provisioning_is_ordered, "deleting drops", lambda t: change(t["Parameters"]["OnDelete"], "Default", "destroy")),
    (policy.provisioning_is_ordered, "updates are not sent", lambda t: change(properties(t, "Provisioning"), "PipelineLayer", None)),
    (policy.alarms_watch_what_matters, "freshness is not watched", lambda t: change(t["Resources"], "BehindAlarm", None)),
    (policy.alarms_watch_what_matters, "pollers are not watched", lambda t: [change(t["Resources"], f"PollerError{n}Alarm", None) for n in (1, 2, 3)]),
    (policy.alarms_watch_what_matters, "silence is healthy", lambda t: change(properties(t, "StoppedAlarm"), "TreatMissingData", "notBreaching")),
]

# What cfn-lint sees after the translation, and misses before it.
LINTED = [
    ("E3034", lambda t: change(properties(t, "Mapping1"), "BatchSize", 50000)),
    ("E3030", lambda t: change(properties(t, "Mapping1"), "MetricsConfig", {"Metrics": ["KafkaMetric"]})),
    ("E1020", lambda t: change(at(t, "Globals", "Function", "Environment", "Variables"), "PIPELINE_FILE", {"Ref": "Nothing"})),
    ("E3002", lambda t: change(properties(t, "RefreshSchedule"), "Retries", 3)),
]


class PolicyRules(unittest.TestCase):
    """Our own rules notice."""

    def test_each_mutation_is_noticed_by_its_rule(self):
        for rule, what, spoil in MUTATIONS:
            with self.subTest(f"{rule.__name__}: {what}"):
                template = templates.sam_source()
                spoil(template)
                found = policy.findings(templates.sam_resources(SERVERLESS, source=template), rule)
                self.assertNotEqual(found, [])

    def test_every_rule_has_a_mutation(self):
        rules = {*policy.ALWAYS, *policy.PIPELINE, *policy.BY_DEFAULT}
        self.assertEqual(rules - {rule for rule, _, _ in MUTATIONS}, set())

    def test_the_connectors_password_is_a_reference(self):
        template = templates.sam_source("source.yaml")
        configuration = properties(template, "Connector")["ConnectorConfiguration"]["Fn::If"][1]
        configuration["database.password"] = "hunter2"
        resources = templates.sam_resources(scenarios.SOURCE["mysql"], "source.yaml", template)
        self.assertNotEqual(policy.findings(resources, policy.no_static_secrets), [])
        properties(template, "DatabaseFromConnector")["FromPort"] = 22
        resources = templates.sam_resources(scenarios.SOURCE["mysql"], "source.yaml", template)
        self.assertNotEqual(policy.findings(resources, policy.only_broker_and_database_ports_are_opened), [])


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
            lambda t: change(properties(t, "RefreshSchedule"), "ScheduleExpression", "rate(9 minutes)"),
        ):
            template = templates.sam_source()
            spoil(template)
            spoilt = parity.canonical(templates.translate(template), ALL_OPTIONS)
            self.assertNotEqual(parity.differences(spoilt, whole), [])


if __name__ == "__main__":
    unittest.main()
