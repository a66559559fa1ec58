"""Tags and what carries them; of what can carry one, only Droplets exist here."""

import re
from http import HTTPStatus
from typing import Annotated, Final, Literal

from pydantic import Field

from sandbox.clouds.digitalocean.routes import (
    NO_CONTENT,
    ApiAnswer,
    ApiCall,
    Body,
    Table,
    created,
    ok,
)
from sandbox.clouds.digitalocean.state import Json, LocalDroplet, LocalTag
from sandbox.clouds.digitalocean.wire import NOT_FOUND, Reason

ROUTES = Table()

NAME: Final = re.compile(r"[a-zA-Z0-9_\-:]{1,255}")
"""Source: API reference, 'Tags'."""

INVALID_TAG = Reason(
    "a tag has characters other than letters, digits, `:`, `-` and `_`, or more than 255",
    'Error validating resource tag: "{value}" contains invalid characters',
    "API reference, 'Tags'",
)
INVALID_NEW_TAG = Reason(
    "the tag has characters other than letters, digits, `:`, `-` and `_`, or more than 255; "
    "the body is one with `error`, `messages` and `root_causes` instead of the usual one",
    'Error validating resource tag: "{value}" contains invalid characters',
    status=HTTPStatus.BAD_REQUEST,
)


class NewTag(Body):
    """A tag to create."""

    name: str


class TaggedResource(Body):
    """Something that can carry a tag."""

    resource_id: str
    resource_type: Literal["droplet", "database", "image", "volume", "volume_snapshot"]


class TaggedResources(Body):
    """What to tag or untag."""

    resources: Annotated[list[TaggedResource], Field(min_length=1)]


def check_tag(name: str) -> None:
    """Refuse a name that no tag may have."""
    if not NAME.fullmatch(name):
        raise INVALID_TAG.refusal(value=name)


@ROUTES.add("POST /v2/tags", "tags_create", "tag:create", refuses=[INVALID_NEW_TAG])
def create_tag(call: ApiCall) -> ApiAnswer:
    """Creates a tag; one that exists, in whatever capitals, is answered as it is."""
    name = call.body(NewTag).name
    if not NAME.fullmatch(name):
        raise INVALID_NEW_TAG.refusal(value=name)
    return created(tag=view(call, call.account.tag(name)))


@ROUTES.add("GET /v2/tags/<tag_id>", "tags_get", "tag:read")
def get_tag(call: ApiCall) -> ApiAnswer:
    """Shows a tag, by its name in its own capitals."""
    return ok(tag=view(call, call.the(call.account.tags, "tag_id")))


@ROUTES.add("DELETE /v2/tags/<tag_id>", "tags_delete", "tag:delete")
def delete_tag(call: ApiCall) -> ApiAnswer:
    """Deletes a tag; nothing carries it any more, and firewalls do not name it."""
    tag = call.the(call.account.tags, "tag_id")
    del call.account.tags[tag.name]
    for firewall in call.account.firewalls.values():
        firewall.tags = [name for name in firewall.tags if name != tag.name]
    return NO_CONTENT


@ROUTES.add(
    "POST /v2/tags/<tag_id>/resources", "tags_assign_resources", "tag:create", "droplet:update"
)
def tag_resources(call: ApiCall) -> ApiAnswer:
    """Tags Droplets; all of them, or none if one does not exist."""
    tag, droplets = call.the(call.account.tags, "tag_id"), _droplets(call)
    for droplet in droplets:
        if droplet.id not in tag.droplets:
            tag.droplets.append(droplet.id)
    return NO_CONTENT


@ROUTES.add(
    "DELETE /v2/tags/<tag_id>/resources", "tags_unassign_resources", "tag:delete", "droplet:update"
)
def untag_resources(call: ApiCall) -> ApiAnswer:
    """Untags Droplets; all of them, or none if one does not exist."""
    tag, droplets = call.the(call.account.tags, "tag_id"), _droplets(call)
    freed = {droplet.id for droplet in droplets}
    tag.droplets = [number for number in tag.droplets if number not in freed]
    return NO_CONTENT


def view(call: ApiCall, tag: LocalTag) -> Json:
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


def _droplets(call: ApiCall) -> list[LocalDroplet]:
    by_id = {str(number): droplet for number, droplet in call.account.droplets.items()}
    named = [
        by_id.get(resource.resource_id) if resource.resource_type == "droplet" else None
        for resource in call.body(TaggedResources).resources
    ]
    existing = [droplet for droplet in named if droplet is not None]
    if len(existing) < len(named):
        raise NOT_FOUND.refusal()
    return existing
