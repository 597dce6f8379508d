"""MiniStack, with what the pinned version lacks for this deployment.

AWS::EC2::SecurityGroupIngress is a resource type of ours here: the rule is put into the group's own store, so that
DescribeSecurityGroups shows it. And a schedule's minute lasts MINISTACK_MINUTE_S seconds, so that nobody has to wait
for `rate(1 minute)`; which schedule invokes what, with which input, stays MiniStack's.
"""

import os
import uuid

from ministack.app import main
from ministack.services import eventbridge, scheduler
from ministack.services.cloudformation import provisioners

_MINUTE_S = float(os.environ.get("MINISTACK_MINUTE_S", "60"))
_rate_seconds = eventbridge._parse_rate_seconds


def _shorter(expression):
    seconds = _rate_seconds(expression)
    return None if seconds is None else seconds * _MINUTE_S / 60


def _permissions(group_id):
    group = provisioners._ec2._security_groups.get(group_id)
    if group is None:
        raise ValueError(f"the security group '{group_id}' does not exist")
    return group.setdefault("IpPermissions", [])


def _create(logical_id, properties, stack_name):
    permissions = _permissions(properties["GroupId"])
    rule, = provisioners._ec2_sg_permissions([properties])
    if rule in permissions:
        raise ValueError(f"the rule of {logical_id} already exists in {properties['GroupId']}")
    permissions.append(rule)
    physical_id = f"sgr-{uuid.uuid4().hex[:17]}"
    return physical_id, {"Id": physical_id}


def _delete(_physical_id, properties):
    rule, = provisioners._ec2_sg_permissions([properties])
    permissions = _permissions(properties["GroupId"])
    if rule in permissions:
        permissions.remove(rule)


provisioners._RESOURCE_HANDLERS["AWS::EC2::SecurityGroupIngress"] = {"create": _create, "delete": _delete}
eventbridge._parse_rate_seconds = _shorter
scheduler._SCHEDULE_TICK_INTERVAL = 1

if __name__ == "__main__":
    main()
