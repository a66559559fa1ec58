"""What a security group admits CloudFront by."""

from collections.abc import Collection, Iterator, Sequence

import pulumi
import pulumi_aws as aws

from components.facts import ORIGIN_FACING_PREFIX_LIST, PREFIX_LIST_WEIGHT
from components.faults import Fault
from components.last_deployment import AdmittedPort
from components.lookups.answers import OriginError, answer_of, words_of
from components.settings import NAMESPACE, OriginLock


def find_prefix_list(
    lock: OriginLock | None,
    ports: Sequence[int],
    admitted: Collection[AdmittedPort],
    options: pulumi.InvokeOptions,
) -> str | None:
    """Return the id of CloudFront's prefix list, None where no security group is to have it.

    Args:
        lock: The settings.
        ports: The ports that CloudFront is to be admitted to.
        admitted: Those that it is admitted to already, by rules of the stack.
        options: What the look-ups are made with.

    Raises:
        OriginError: The group or the list cannot be looked up, or too many rules would be in it.
    """
    if lock is None or lock.security_group is None:
        return None
    name = lock.security_group
    group_id = answer_of(lambda: aws.ec2.get_security_group(id=name, opts=options).id)
    prefix_list = answer_of(
        lambda: aws.ec2.get_managed_prefix_list(name=ORIGIN_FACING_PREFIX_LIST, opts=options).id
    )
    faults = list(too_many_rules(lock, ports, admitted))
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
    causes = [answer for answer in (group_id, prefix_list) if isinstance(answer, Exception)]
    if faults:
        raise OriginError(*faults) from next(iter(causes), None)
    return str(prefix_list)


def too_many_rules(
    lock: OriginLock, ports: Sequence[int], admitted: Collection[AdmittedPort]
) -> Iterator[Fault]:
    """Say that a port cannot be changed, because its rule would be one too many.

    The rule of the new port is made before that of the old one is deleted, and has to be:
    CloudFront connects to the old port until all of it has the new one. Only the stack's own rules
    are counted, because the provider's look-ups do not tell how many others a group has.

    Source: CloudFront Developer Guide, 'Locations and IP address ranges of CloudFront edge
    servers'; Amazon VPC User Guide, 'Amazon VPC quotas', security groups.

    Args:
        lock: The settings.
        ports: The ports that CloudFront is to be admitted to.
        admitted: Those that it is admitted to already.
    """
    before = {port for group, port in admitted if group == lock.security_group}
    new = set(ports) - before
    needed = PREFIX_LIST_WEIGHT * len(before | new)
    if not before or not new or needed <= lock.rules_per_security_group:
        return
    key = f"{NAMESPACE}:originLock.rulesPerSecurityGroup"
    yield Fault(
        key,
        f"{lock.rules_per_security_group}, while the rules for port {_listed(before)} and for "
        f"{_listed(new)} are beside each other",
        f"at least {needed}, and what else the group admits, which is not counted here: the "
        f"addresses of CloudFront count as {PREFIX_LIST_WEIGHT} rules for each port, and it "
        "connects to the old one until all of it has the new one",
        "Have AWS raise the quota 'Inbound or outbound rules per security group', then: "
        f"pulumi config set --path {key} 200; or change the port without these rules, in the three "
        "steps of docs/paths.md",
    )


def _listed(ports: Collection[int]) -> str:
    return " and ".join(map(str, sorted(ports)))
