"""What resources with tags have in common."""

from collections.abc import Mapping

from sandbox.plugins.aws.aws_session import AwsSession, AwsTask, from_list, to_list
from sandbox.plugins.resource import StandIn
from sandbox.plugins.values import Props, block_of


class Tagged(StandIn[AwsSession]):
    """A resource whose tags the provider's `defaultTags` are added to.

    As in pulumi-aws, they are added to the input `tags` when it is checked, where the program's own
    win, so that `tags` and the output `tagsAll` are the same.
    """

    def prepare(self, session: AwsSession, inputs: Props) -> Props:
        """Add the default tags."""
        given = inputs.get("tags")
        if not session.default_tags or not isinstance(given, dict | None):
            return inputs
        return inputs | {"tags": session.default_tags | (given or {})}

    def foresee(self, session: AwsSession, inputs: Props) -> Props:
        """Return the tags it will have, and its region if it has one."""
        regional = "region" in self.shape.computed
        region = {"region": inputs.get("region") or session.region} if regional else {}
        return {"tagsAll": inputs.get("tags", {})} | region


def tag_changes(
    present: Mapping[str, str], tags: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tags to set and those to remove, so that the present ones become `tags`."""
    removed = {key: value for key, value in present.items() if key not in tags}
    return dict(tags.items() - present.items()), removed


def changed_tags(state: Props, inputs: Props) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tags that an update sets, and those that it removes."""
    return tag_changes(block_of(state, "tags"), block_of(inputs, "tags"))


def route53_tags(session: AwsSession, kind: str, resource_id: str) -> dict[str, str]:
    """Return the tags of a resource of Route 53, whose kind is `hostedzone` or `healthcheck`."""
    answer = session.client("route53").list_tags_for_resource(
        ResourceType=kind, ResourceId=resource_id
    )
    return session.own_tags(from_list(answer["ResourceTagSet"]["Tags"]))


def set_route53_tags(call: AwsTask, kind: str, resource_id: str, props: Props) -> None:
    """Make the tags of a resource of Route 53 what its inputs say."""
    present = route53_tags(call.session, kind, resource_id)
    added, removed = tag_changes(present, block_of(props, "tags"))
    if added or removed:
        call.session.client("route53").change_tags_for_resource(
            ResourceType=kind,
            ResourceId=resource_id,
            **({"AddTags": to_list(added)} if added else {}),
            **({"RemoveTagKeys": sorted(removed)} if removed else {}),
        )
