"""Which of our own rules hold for which deployment: what a security reviewer and an operator would ask, as code."""

from checks import rules_access as access
from checks import rules_operation as operation

# Rules for every deployment.
ALWAYS = (
    access.no_wildcard_without_condition,
    access.topics_are_the_pipelines,
    access.only_services_are_trusted,
    access.roles_have_our_policies_only,
    access.nothing_else_is_made,
    access.other_accounts_cannot_use_our_roles,
    access.resource_policies_are_closed,
    access.conditions_limit,
    access.code_manages_no_network,
    access.actions_exist_and_take_their_resources,
    access.logs_are_kept_for_a_time,
    access.no_static_secrets,
)
# Rules for every pipeline.
PIPELINE = (
    access.only_the_broker_port_is_opened,
    access.mappings_may_what_they_do,
    operation.mappings_are_safe,
    operation.functions_are_ours,
    operation.schedules_do_not_lose_ticks,
    operation.alarms_watch_what_matters,
    operation.alarms_count_right,
    operation.the_provisioner_is_asked,
)
# Rules for a pipeline deployed with what the templates choose by default.
BY_DEFAULT = (operation.no_failure_destination, operation.provisioning_is_ordered)
# Rules for a pipeline deployed with a topic for alarms and a key for logs.
WITH_OPTIONS = (operation.what_was_asked_for_is_used,)


def findings(resources, *rules):
    """All findings of some rules."""
    return [f"{rule.__name__}: {finding}" for rule in rules for finding in rule(resources)]
