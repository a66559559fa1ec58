"""Tags and what carries them; of what can carry one, only Droplets exist here."""

import re
from typing import Final

from sandbox.clouds.digitalocean import routes
from sandbox.clouds.digitalocean.state import Json, LocalTag
from sandbox.clouds.digitalocean.wire import REASONS

ROUTES = routes.Table()

NAME: Final = re.compile(r"[a-zA-Z0-9_\-:]{1,255}")
"""Source: API reference, 'Tags'."""


class NewTag(routes.Body):
    """A tag to create."""

    name: str


def check_tag(name: str) -> None:
    """Refuse a name that no tag may have."""
    if not NAME.fullmatch(name):
        raise REASONS["INVALID_TAG"].refusal(value=name)


@ROUTES.add("POST /v2/tags", "tags_create", "tag:create", refuses=[REASONS["INVALID_NEW_TAG"]])
def create_tag(call: routes.ApiCall) -> routes.ApiAnswer:
    """Creates a tag; one that exists, in whatever capitals, is answered as it is."""
    name = call.body(NewTag).name
    if not NAME.fullmatch(name):
        raise REASONS["INVALID_NEW_TAG"].refusal(value=name)
    return routes.created(tag=view(call, call.account.tag(name)))


@ROUTES.add("GET /v2/tags/<tag_id>", "tags_get", "tag:read")
def get_tag(call: routes.ApiCall) -> routes.ApiAnswer:
    """Shows a tag, by its name in its own capitals."""
    return routes.ok(tag=view(call, call.the(call.account.tags, "tag_id")))


@ROUTES.add("DELETE /v2/tags/<tag_id>", "tags_delete", "tag:delete")
def delete_tag(call: routes.ApiCall) -> routes.ApiAnswer:
    """Deletes a tag; nothing carries it any more, and firewalls do not name it."""
    tag = call.the(call.account.tags, "tag_id")
    del call.account.tags[tag.name]
    for firewall in call.account.firewalls.values():
        firewall.tags = [name for name in firewall.tags if name != tag.name]
    return routes.NO_CONTENT


def view(call: routes.ApiCall, tag: LocalTag) -> Json:
    """Return a tag as the API shows it."""
    statistics: Json = {"count": len(tag.droplets)}
    if tag.droplets:
        statistics["last_tagged_uri"] = f"{call.request.host_url}v2/droplets/{tag.droplets[-1]}"
    none = {"count": 0}
    return {
        "name": tag.name,
        "resources": {
            **statistics,
            "droplets": statistics,
            "images": none,
            "volumes": none,
            "volume_snapshots": none,
            "databases": none,
        },
    }
