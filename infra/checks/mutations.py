"""What may go wrong in a template, one thing at a time, each with the rule that has to notice.

A mutation changes a SAM template as it was read. A rule that no mutation trips is no gate; `test_gates.py` checks that
every rule has one.
"""

from checks import rules_access as access
from checks import rules_operation as operation
from checks import scenarios


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


def trust(template, role):
    """The statement that says who may assume a role."""
    return properties(template, role)["AssumeRolePolicyDocument"]["Statement"][0]


def change(place, key, value):
    """Sets a key; None removes it."""
    if value is None:
        del place[key]
    else:
        place[key] = value


# Rule, what is spoilt, how. Parameters are those of the first scenario; all of them for the rules of WITH_OPTIONS.
MUTATIONS = [
    (access.no_wildcard_without_condition, "a condition is lost", lambda t: change(own(t, "WarehousePolicy", "FollowOwnStatements"), "Condition", None)),
    (access.no_wildcard_without_condition, "brokers of every cluster", lambda t: change(own(t, "BrokerPolicy", "ConnectToKafka"), "Resource", "*")),
    (access.no_wildcard_without_condition, "topics of every cluster", lambda t: change(own(t, "LagMonitorRole", "ReadTopics"), "Resource", "arn:aws:kafka:us-east-1:123456789012:topic/*")),
    (access.no_wildcard_without_condition, "every action", lambda t: change(own(t, "ProvisionerRole", "ReadTopics"), "Action", "kafka-cluster:*")),
    (access.no_wildcard_without_condition, "everything but", lambda t: change(own(t, "ProvisionerRole", "ReadTopics"), "NotAction", "iam:*")),
    (access.no_wildcard_without_condition, "a nameless statement", lambda t: change(own(t, "ProvisionerRole", "ReadTopics"), "Sid", None)),
    (access.topics_are_the_pipelines, "topics of a longer prefix too", lambda t: change(own(t, "LagMonitorRole", "ReadTopics"), "Resource", "arn:aws:kafka:us-east-1:123456789012:topic/sales/1/salesdb*")),
    (access.only_services_are_trusted, "an account is trusted", lambda t: change(at(properties(t, "RefresherRole"), "AssumeRolePolicyDocument", "Statement", 0), "Principal", {"AWS": "*"})),
    (access.actions_exist_and_take_their_resources, "a misspelt action", lambda t: change(own(t, "WarehousePolicy", "SubmitStatements"), "Action", "redshift-data:ExecStatement")),
    (access.actions_exist_and_take_their_resources, "a resource of another kind", lambda t: change(own(t, "BrokerPolicy", "DescribeTopics"), "Resource", {"Ref": "MskClusterArn"})),
    (access.actions_exist_and_take_their_resources, "a resource where none is known", lambda t: change(own(t, "BrokerPolicy", "AskForBrokers"), "Resource", {"Ref": "MskClusterArn"})),
    (access.only_the_broker_port_is_opened, "another port", lambda t: change(properties(t, "BrokersFromFunctions"), "ToPort", 9999)),
    (access.only_the_broker_port_is_opened, "plaintext brokers", lambda t: properties(t, "BrokersFromFunctions").update(FromPort=9092, ToPort=9092)),
    (access.only_the_broker_port_is_opened, "open to addresses", lambda t: change(properties(t, "BrokersFromFunctions"), "CidrIp", "0.0.0.0/0")),
    (access.only_the_broker_port_is_opened, "everything out", lambda t: change(properties(t, "FunctionSecurityGroup"), "SecurityGroupEgress", None)),
    (access.only_the_broker_port_is_opened, "a wide way out", lambda t: change(at(properties(t, "FunctionSecurityGroup"), "SecurityGroupEgress", 1), "FromPort", 0)),
    (access.logs_are_kept_for_a_time, "no retention", lambda t: change(properties(t, "RefresherLogs"), "RetentionInDays", None)),
    (access.logs_are_kept_for_a_time, "no log group", lambda t: change(properties(t, "LagMonitor"), "LoggingConfig", None)),
    (access.no_static_secrets, "a password", lambda t: change(at(properties(t, "Refresher"), "Environment", "Variables"), "DB_PASSWORD", "hunter2")),
    (access.no_static_secrets, "an access key", lambda t: change(at(properties(t, "Refresher"), "Environment", "Variables"), "KEY", "AKIA" + "A" * 16)),
    (operation.mappings_are_safe, "no partial response", lambda t: change(properties(t, "Mapping1"), "FunctionResponseTypes", None)),
    (operation.mappings_are_safe, "no provisioned pollers", lambda t: change(properties(t, "Mapping2"), "ProvisionedPollerConfig", None)),
    (operation.mappings_are_safe, "the wrong response mode", lambda t: change(at(properties(t, "ChangeHandler"), "Environment", "Variables"), "RESPONSE_MODE", "whole")),
    (operation.mappings_are_safe, "it starts at the end", lambda t: change(properties(t, "Mapping1"), "StartingPosition", "LATEST")),
    (operation.mappings_are_safe, "it gives up", lambda t: change(properties(t, "Mapping1"), "MaximumRetryAttempts", 5)),
    (operation.mappings_are_safe, "it forgets", lambda t: change(properties(t, "Mapping1"), "MaximumRecordAgeInSeconds", 86400)),
    (operation.mappings_are_safe, "it filters", lambda t: change(properties(t, "Mapping1"), "FilterCriteria", {"Filters": [{"Pattern": "{}"}]})),
    (operation.mappings_are_safe, "one group for two", lambda t: change(at(properties(t, "Mapping2"), "AmazonManagedKafkaEventSourceConfig"), "ConsumerGroupId", {"Fn::Sub": "redshift-cdc-${PipelineName}-${Topic1}"})),
    (operation.no_failure_destination, "a failure destination", lambda t: change(properties(t, "Mapping1"), "DestinationConfig", {"OnFailure": {"Destination": scenarios.BUCKET}})),
    (operation.no_failure_destination, "a failure destination by default", lambda t: change(t["Parameters"]["FailureDestinationBucketArn"], "Default", scenarios.BUCKET)),
    (operation.functions_are_ours, "one role for two", lambda t: change(properties(t, "Refresher"), "Role", {"Fn::GetAtt": ["ProvisionerRole", "Arn"]})),
    (operation.functions_are_ours, "an old runtime", lambda t: change(at(t, "Globals", "Function"), "Runtime", "provided.al2")),
    (operation.schedules_do_not_lose_ticks, "no retry", lambda t: change(at(properties(t, "RefreshSchedule"), "Target"), "RetryPolicy", None)),
    (operation.schedules_do_not_lose_ticks, "no dead-letter queue", lambda t: change(at(properties(t, "LagMonitorSchedule"), "Target"), "DeadLetterConfig", None)),
    (operation.schedules_do_not_lose_ticks, "a queue in the clear", lambda t: change(properties(t, "ScheduleDeadLetters"), "SqsManagedSseEnabled", None)),
    (operation.schedules_do_not_lose_ticks, "a queue without TLS", lambda t: change(t["Resources"], "ScheduleDeadLettersPolicy", None)),
    (operation.provisioning_is_ordered, "mappings before tables", lambda t: change(t["Resources"]["Mapping1"], "DependsOn", None)),
    (operation.provisioning_is_ordered, "provisioning before the network", lambda t: change(t["Resources"]["Provisioning"], "DependsOn", None)),
    (operation.provisioning_is_ordered, "deleting drops", lambda t: change(t["Parameters"]["OnDelete"], "Default", "destroy")),
    (operation.provisioning_is_ordered, "updates are not sent", lambda t: change(properties(t, "Provisioning"), "PipelineLayer", None)),
    (operation.alarms_watch_what_matters, "freshness is not watched", lambda t: change(t["Resources"], "BehindAlarm", None)),
    (operation.alarms_watch_what_matters, "pollers are not watched", lambda t: [change(t["Resources"], f"PollerError{n}Alarm", None) for n in (1, 2, 3)]),
    (operation.alarms_count_right, "silence is healthy", lambda t: change(properties(t, "StoppedAlarm"), "TreatMissingData", "notBreaching")),
    (access.other_accounts_cannot_use_our_roles, "Scheduler for everybody", lambda t: change(trust(t, "ScheduleRole"), "Condition", None)),
    (access.other_accounts_cannot_use_our_roles, "Scheduler for another account", lambda t: change(trust(t, "ScheduleRole"), "Condition", {"StringEquals": {"aws:SourceAccount": "999999999999"}})),
    (access.other_accounts_cannot_use_our_roles, "a session with tags", lambda t: change(trust(t, "RefresherRole"), "Action", ["sts:AssumeRole", "sts:TagSession"])),
    (access.resource_policies_are_closed, "everybody invokes", lambda t: change(properties(t, "HeldAlarmPermission"), "Principal", "*")),
    (access.resource_policies_are_closed, "any alarm invokes", lambda t: change(properties(t, "HeldAlarmPermission"), "SourceArn", None)),
    (access.resource_policies_are_closed, "any account's alarm invokes", lambda t: change(properties(t, "HeldAlarmPermission"), "SourceAccount", None)),
    (access.resource_policies_are_closed, "an alarm changes the function", lambda t: change(properties(t, "HeldAlarmPermission"), "Action", "lambda:*")),
    (access.resource_policies_are_closed, "everybody writes the queue", lambda t: at(properties(t, "ScheduleDeadLettersPolicy"), "PolicyDocument", "Statement").append({"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"})),
    (access.conditions_limit, "statements of everybody", lambda t: change(own(t, "WarehousePolicy", "FollowOwnStatements"), "Condition", {"StringLike": {"redshift-data:statement-owner-iam-userid": "*"}})),
    (access.conditions_limit, "another condition", lambda t: change(own(t, "ProvisionerRole", "CancelOwnStatements"), "Condition", {"StringEquals": {"aws:RequestedRegion": "us-east-1"}})),
    (access.conditions_limit, "every VPC", lambda t: change(own(t, "NetworkPolicy", "ManageNetworkInterfaces"), "Condition", {"ArnLike": {"ec2:Vpc": "arn:aws:ec2:us-east-1:123456789012:vpc/*"}})),
    (access.conditions_limit, "an empty condition", lambda t: change(own(t, "BrokerPolicy", "AskForBrokers"), "Condition", {"StringEquals": {"aws:RequestedRegion": ""}})),
    (access.mappings_may_what_they_do, "groups of another name", lambda t: change(at(properties(t, "Mapping1"), "AmazonManagedKafkaEventSourceConfig"), "ConsumerGroupId", "other-group")),
    (access.mappings_may_what_they_do, "groups of another pipeline", lambda t: change(own(t, "ChangeHandlerRole", "UseConsumerGroups"), "Resource", "arn:aws:kafka:us-east-1:123456789012:group/sales/1/redshift-cdc-other-*")),
    (access.mappings_may_what_they_do, "no topics", lambda t: at(properties(t, "ChangeHandlerRole"), "Policies", 0, "PolicyDocument", "Statement").remove(own(t, "ChangeHandlerRole", "ReadTopics"))),
    (access.code_manages_no_network, "code makes interfaces", lambda t: at(properties(t, "NetworkPolicy"), "PolicyDocument", "Statement").remove(own(t, "NetworkPolicy", "NotFromFunctionCode"))),
    (access.code_manages_no_network, "code removes interfaces", lambda t: own(t, "NetworkPolicy", "NotFromFunctionCode")["Action"].remove("ec2:DeleteNetworkInterface")),
    (access.only_the_broker_port_is_opened, "a way in from addresses", lambda t: properties(t, "FunctionSecurityGroup").update(SecurityGroupIngress=[{"CidrIp": "10.0.0.0/8", "IpProtocol": "tcp", "FromPort": 9098, "ToPort": 9098}])),
    (access.logs_are_kept_for_a_time, "a log group of Lambda's", lambda t: change(at(properties(t, "Refresher"), "LoggingConfig"), "LogGroup", "/aws/lambda/refresher")),
    (operation.mappings_are_safe, "a mapping is off", lambda t: change(properties(t, "Mapping1"), "Enabled", False)),
    (operation.mappings_are_safe, "a poller group of its own", lambda t: change(at(properties(t, "Mapping2"), "ProvisionedPollerConfig", "Fn::If", 1), "PollerGroupName", "other")),
    (operation.mappings_are_safe, "two topics", lambda t: at(properties(t, "Mapping1"), "Topics").append("salesdb.salesdb.OTHER")),
    (operation.functions_are_ours, "the refresher outside the VPC", lambda t: change(properties(t, "Refresher"), "VpcConfig", None)),
    (operation.functions_are_ours, "change-handler inside the VPC", lambda t: change(properties(t, "ChangeHandler"), "VpcConfig", properties(t, "Refresher")["VpcConfig"])),
    (operation.schedules_do_not_lose_ticks, "a schedule is off", lambda t: change(properties(t, "LagMonitorSchedule"), "State", "DISABLED")),
    (operation.schedules_do_not_lose_ticks, "a schedule ends", lambda t: change(properties(t, "RefreshSchedule"), "EndDate", "2027-01-01T00:00:00Z")),
    (operation.schedules_do_not_lose_ticks, "one tick only", lambda t: change(properties(t, "RefreshSchedule"), "ScheduleExpression", "at(2027-01-01T00:00:00)")),
    (operation.schedules_do_not_lose_ticks, "one schedule only", lambda t: change(t["Resources"], "RefreshSchedule", None)),
    (operation.provisioning_is_ordered, "CloudFormation is impatient", lambda t: change(properties(t, "Provisioning"), "ServiceTimeout", 600)),
    (operation.provisioning_is_ordered, "ticks before tables", lambda t: change(t["Resources"]["RefreshSchedule"], "DependsOn", None)),
    (operation.provisioning_is_ordered, "no provisioning", lambda t: change(t["Resources"], "Provisioning", None)),
    (operation.alarms_watch_what_matters, "a threshold", lambda t: change(properties(t, "BehindAlarm"), "Threshold", 5)),
    (operation.alarms_watch_what_matters, "the other way round", lambda t: change(properties(t, "LostRecordsAlarm"), "ComparisonOperator", "LessThanThreshold")),
    (operation.alarms_watch_what_matters, "after an hour", lambda t: change(properties(t, "StoppedAlarm"), "EvaluationPeriods", 12)),
    (operation.alarms_watch_what_matters, "no action", lambda t: change(properties(t, "HeldAlarm"), "ActionsEnabled", False)),
    (operation.alarms_watch_what_matters, "one function's errors", lambda t: change(t["Resources"], "RefresherErrorAlarm", None)),
    (operation.alarms_watch_what_matters, "one mapping's pollers", lambda t: change(t["Resources"], "PollerError2Alarm", None)),
    (operation.alarms_watch_what_matters, "the same mapping twice", lambda t: change(at(properties(t, "PollerError2Alarm"), "Dimensions", 0), "Value", {"Ref": "Mapping1"})),
    (access.roles_have_our_policies_only, "an administrator", lambda t: at(properties(t, "LagMonitorRole"), "ManagedPolicyArns").append("arn:aws:iam::aws:policy/AdministratorAccess")),
    (access.roles_have_our_policies_only, "a policy that spreads", lambda t: change(properties(t, "BrokerPolicy"), "Roles", ["somebody"])),
    (access.nothing_else_is_made, "a function's URL", lambda t: change(t["Resources"], "Door", {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": {"Ref": "Provisioner"}, "AuthType": "NONE"}})),
    (access.nothing_else_is_made, "a user", lambda t: change(t["Resources"], "Door", {"Type": "AWS::IAM::User", "Properties": {}})),
    (operation.functions_are_ours, "somebody's layer", lambda t: at(t, "Globals", "Function", "Layers").append("arn:aws:lambda:us-east-1:999999999999:layer:wrapper:1")),
    (operation.functions_are_ours, "another function's code", lambda t: change(properties(t, "LagMonitor"), "CodeUri", "../dist/refresher.zip")),
    (operation.functions_are_ours, "a function that never runs", lambda t: change(properties(t, "ChangeHandler"), "ReservedConcurrentExecutions", 0)),
    (operation.mappings_are_safe, "records for the refresher", lambda t: change(properties(t, "Mapping2"), "FunctionName", {"Ref": "Refresher"})),
    (operation.mappings_are_safe, "another cluster's records", lambda t: change(properties(t, "Mapping2"), "EventSourceArn", scenarios.CLUSTER.replace("sales", "other"))),
    (operation.mappings_are_safe, "a password for the brokers", lambda t: change(properties(t, "Mapping1"), "SourceAccessConfigurations", [{"Type": "SASL_SCRAM_512_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x"}])),
    (operation.schedules_do_not_lose_ticks, "ticks for one table", lambda t: change(at(properties(t, "RefreshSchedule"), "Target"), "Input", '{"tables": ["salesdb.customer"]}')),
    (operation.schedules_do_not_lose_ticks, "ticks within hours", lambda t: change(properties(t, "LagMonitorSchedule"), "FlexibleTimeWindow", {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 240})),
    (operation.schedules_do_not_lose_ticks, "both for one", lambda t: change(at(properties(t, "LagMonitorSchedule"), "Target"), "Arn", {"Fn::GetAtt": ["Refresher", "Arn"]})),
    (operation.schedules_do_not_lose_ticks, "a forgetful queue", lambda t: change(properties(t, "ScheduleDeadLetters"), "MessageRetentionPeriod", 60)),
    (operation.alarms_count_right, "late for a moment is late", lambda t: change(properties(t, "BehindAlarm"), "Statistic", "Maximum")),
    (operation.alarms_count_right, "an average of nothing", lambda t: change(properties(t, "LostRecordsAlarm"), "Statistic", "Average")),
    (operation.alarms_count_right, "a percentile", lambda t: properties(t, "HeldAlarm").update(Statistic=None, ExtendedStatistic="p99")),
    (operation.alarms_count_right, "no data, no state", lambda t: change(properties(t, "DeadLetterAlarm"), "TreatMissingData", "missing")),
    (operation.alarms_count_right, "it is over before the next tick", lambda t: change(properties(t, "RefresherHeldAlarm"), "TreatMissingData", "notBreaching")),
    (operation.alarms_count_right, "two of three periods", lambda t: change(properties(t, "UnknownAlarm"), "DatapointsToAlarm", 2)),
    (operation.the_provisioner_is_asked, "nobody takes the change in", lambda t: change(properties(t, "HeldAlarm"), "AlarmActions", None)),
    (operation.the_provisioner_is_asked, "tables without a mapping wait", lambda t: [change(t["Resources"], f"RefresherHeldAlarm{what}", None) for what in ("", "Permission")]),
    (operation.the_provisioner_is_asked, "new topics wait", lambda t: [change(t["Resources"], f"UnprovisionedAlarm{what}", None) for what in ("", "Permission")]),
    (operation.the_provisioner_is_asked, "the same function twice", lambda t: change(at(properties(t, "RefresherHeldAlarm"), "Dimensions", 1), "Value", "change-handler")),
    (operation.the_provisioner_is_asked, "the alarm may not invoke", lambda t: change(properties(t, "RefresherHeldAlarmPermission"), "SourceArn", {"Fn::GetAtt": ["HeldAlarm", "Arn"]})),
    (operation.what_was_asked_for_is_used, "records that cannot be read", lambda t: change(t["Resources"], "ScanErrorAlarm", None)),
    (operation.what_was_asked_for_is_used, "an alarm tells nobody", lambda t: change(properties(t, "BehindAlarm"), "AlarmActions", None)),
    (operation.what_was_asked_for_is_used, "an alarm never says that it is over", lambda t: change(properties(t, "HeldAlarm"), "OKActions", None)),
    (operation.what_was_asked_for_is_used, "a log group without the key", lambda t: change(properties(t, "ProvisionerLogs"), "KmsKeyId", None)),
]

# What cfn-lint sees after the translation, and misses before it.
LINTED = [
    ("E3034", lambda t: change(properties(t, "Mapping1"), "BatchSize", 50000)),
    ("E3030", lambda t: change(properties(t, "Mapping1"), "MetricsConfig", {"Metrics": ["KafkaMetric"]})),
    ("E1020", lambda t: change(at(t, "Globals", "Function", "Environment", "Variables"), "PIPELINE_FILE", {"Ref": "Nothing"})),
    ("E3002", lambda t: change(properties(t, "RefreshSchedule"), "Retries", 3)),
]
