"""MiniStack with one more resource type: AWS::EC2::SecurityGroupIngress, which the pinned version does not know.

The rule is put into the group's own store, so that DescribeSecurityGroups shows it.
"""

import uuid

from ministack.app import main
from ministack.services.cloudformation import provisioners


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

if __name__ == "__main__":
    main()
