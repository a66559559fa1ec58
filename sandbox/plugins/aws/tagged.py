"""What resources with tags have in common."""

from sandbox.plugins.aws.session import Session
from sandbox.plugins.resource import Resource
from sandbox.plugins.values import Props


class Tagged(Resource[Session]):
    """A resource whose tags the provider's `defaultTags` are added to.

    As in pulumi-aws, they are added to the input `tags` when it is checked, where the program's own
    win, so that `tags` and the output `tagsAll` are the same.
    """

    def prepare(self, session: Session, inputs: Props) -> Props:
        """Add the default tags."""
        given = inputs.get("tags")
        if not session.default_tags or not isinstance(given, dict | None):
            return inputs
        return inputs | {"tags": session.default_tags | (given or {})}

    def foresee(self, session: Session, inputs: Props) -> Props:
        """Return the tags it will have."""
        del session
        return {"tagsAll": inputs.get("tags", {})}
