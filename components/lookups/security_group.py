"""What a security group admits CloudFront by."""

import pulumi
import pulumi_aws as aws

from components.facts import ORIGIN_FACING_PREFIX_LIST
from components.faults import Fault
from components.lookups.answers import OriginError, answer_of, words_of
from components.settings import NAMESPACE, OriginLock


def find_prefix_list(lock: OriginLock | None, options: pulumi.InvokeOptions) -> str | None:
    """Return the id of CloudFront's prefix list, None where no security group is to have it."""
    if lock is None or lock.security_group is None:
        return None
    name = lock.security_group
    group_id = answer_of(lambda: aws.ec2.get_security_group(id=name, opts=options).id)
    prefix_list = answer_of(
        lambda: aws.ec2.get_managed_prefix_list(name=ORIGIN_FACING_PREFIX_LIST, opts=options).id
    )
    faults: list[Fault] = []
    if isinstance(group_id, Exception):
        key = f"{NAMESPACE}:originLock.securityGroup"
        faults.append(
            Fault(
                key,
                f'"{name}", which could not be looked up',
                f"a security group in the account and region of the stack ({words_of(group_id)})",
                f"Set it with: pulumi config set --path {key} ID",
            )
        )
    if isinstance(prefix_list, Exception):
        faults.append(
            Fault(
                f"The prefix list {ORIGIN_FACING_PREFIX_LIST}",
                "one that could not be looked up",
                f"there for everybody who may see it ({words_of(prefix_list)})",
                "See that the credentials allow ec2:DescribeManagedPrefixLists.",
            )
        )
    for answer in (group_id, prefix_list):
        if isinstance(answer, Exception):
            raise OriginError(*faults) from answer
    return str(prefix_list)
