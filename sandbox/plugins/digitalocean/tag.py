"""Tags.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/tag/resource_tag.go`.
"""

from sandbox.plugins.digitalocean.digitalocean_session import DigitalOceanSession, DigitalOceanTask
from sandbox.plugins.resource import Present, Shape, StandIn
from sandbox.plugins.values import Props

_COUNTS = {
    "databasesCount": "databases",
    "dropletsCount": "droplets",
    "imagesCount": "images",
    "volumeSnapshotsCount": "volume_snapshots",
    "volumesCount": "volumes",
}


class TagStandIn(StandIn[DigitalOceanSession]):
    """A label: `digitalocean:index/tag:Tag`.

    Another name needs another tag. A tag that exists already is adopted, and deleted with the
    resource. The counts of what carries it are those of the last refresh.
    """

    type_name = "digitalocean:index/tag:Tag"
    auto_named = True
    shape = Shape(replaces=frozenset({"name"}))

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Create the tag."""
        return str(call.session.ask("tags.create", {"name": inputs["name"]})["tag"]["name"])

    def read(self, call: DigitalOceanTask, resource_id: str, _prior: Props) -> Present:
        """Return the tag and how many resources carry it."""
        body = call.session.find("tags.get", resource_id)
        if body is None:
            return None
        tag = body["tag"]
        counts = tag["resources"]
        state = {"name": tag["name"], "totalResourceCount": counts["count"]}
        state |= {name: counts[kind]["count"] for name, kind in _COUNTS.items()}
        return tag["name"], state

    def delete(self, call: DigitalOceanTask, resource_id: str, _state: Props) -> None:
        """Delete the tag; nothing carries it any more."""
        call.session.find("tags.delete", resource_id)
