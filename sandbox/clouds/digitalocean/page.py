"""The page of documentation about the model, made from its routes.

`python -m sandbox.clouds.digitalocean.page > docs/digitalocean-model.md` writes it anew.
"""

import sys
from collections.abc import Iterable
from typing import Final

from sandbox.clouds.digitalocean.api import ROUTES
from sandbox.clouds.digitalocean.routes import Route
from sandbox.clouds.digitalocean.wire import ASSUMED, EVERYWHERE, Reason

_HEAD: Final = f"""\
# The DigitalOcean of the sandbox

<!-- Made by `python -m sandbox.clouds.digitalocean.page > docs/digitalocean-model.md`; do not
edit. -->

A small DigitalOcean API v2 on loopback, for tests and for trying things out. It keeps to the
routes, methods and bodies of the OpenAPI specification (<https://github.com/digitalocean/openapi>),
so that `pydo`, godo and what is built on them speak to it unchanged. Nothing here was tried against
DigitalOcean itself: what the documents leave open follows public reports, and where there is no
report it is marked as "{ASSUMED}". Messages are worded as reports show them, and alike elsewhere.

    python -m sandbox.clouds.digitalocean --port 8080

- The token is `sandbox.clouds.digitalocean.TOKEN`; `client_environment(url)` returns the variables
  that name it and the address.
- Actions take `action_seconds` (0.5); limits, rate limits and the token's scopes can be set, too:
  `PUT /dualstack-sandbox/settings`. `POST /dualstack-sandbox/reset` begins anew.
- `PUT /dualstack-sandbox/snapshot/<name>` keeps the whole state in the folder `--snapshots`, and
  `PUT /dualstack-sandbox/restore/<name>` brings it back, in any process that has the same folder.
- `GET /dualstack-sandbox/scopes` tells which scopes a token needed for all requests so far.
- `GET /dualstack-sandbox/changes` answers another text as soon as anything in the account has
  changed; it counts for no limit.
- `GET /dualstack-sandbox/droplets/<id>/metadata/v1.json` is what a Droplet's metadata service says.
- Bodies are checked: what is specified as required must be there and of its type, `null` is an
  empty list, unknown fields are ignored.
- Collections have `page` and `per_page` (20, at most 200), `links.pages` and `meta.total`.
- Every answer has `ratelimit-limit`, `ratelimit-remaining`, `ratelimit-reset` and `x-request-id`.
- Errors are `{{"id", "message", "request_id"}}`.
"""

_WHY: Final = """\
## Why these routes

A route is modelled because something calls it; the rest of the API is left out.

- The stand-in for the plugin calls all but three of them. A test compares the routes with the
  operations in `sandbox/plugins/digitalocean/scopes.py`, through the functions of `pydo` that make
  the requests.
- The lab lists Droplets, firewalls and reserved IPv6 addresses.
- The official plugin calls no other route for the same resources and functions. It is made from
  digitalocean/terraform-provider-digitalocean, whose source was read at v2.96.0 (commit 5ef5c080,
  the submodule of pulumi/pulumi-digitalocean at 0825b75): every call of godo in the folders
  `droplet`, `firewall`, `monitoring`, `region`, `reservedipv6`, `sshkey`, `tag`, `util` and `vpc`
  of `digitalocean/`. What it calls there and is not modelled belongs to resource types that the
  program does not use (SSH keys), to functions that the stand-in does not have, and to changes that
  the program never makes of a Droplet, VPC or tag: it gives them names that stay, and has a Droplet
  replaced whose size changes.
"""

_NOT_MODELLED: Final = """\
## Not modelled

- All other resources: volumes, snapshots, load balancers, domains, databases, Kubernetes,
  reserved IPv4, uptime checks, VPC peering, autoscale pools, and more. Their routes answer 404.
- Nothing boots, no packet is filtered, nothing is measured: Droplets, firewalls and alert policies
  are records. No action fails unless its Droplet is gone.
- The account, sizes, images, projects, SSH keys (a Droplet may name any number or fingerprint), and
  the lists of VPCs and tags.
- Everything by tag: `tag_name` and other filters of the list of Droplets are ignored.
- Several Droplets in one request (`names`), one without a region, without public addresses, or with
  backups or volumes. A Droplet is created and destroyed, and never changed: no power, names, sizes,
  tags, snapshots.
- Parts of a firewall (`/droplets`, `/tags`, `/rules`): it is replaced as a whole. Rules for
  Droplets, tags, load balancers or clusters instead of addresses.
- A VPC's range, description and changes, and a list of its members.
- The limit of 250 requests a minute, and any limit per region or size.
- A reserved IPv6 is not listed in its Droplet's `networks.v6`; a fixture of
  digitalocean/droplet_kit shows one that is, with a netmask of 0.
- Alert policies are for Droplets, and may name entities, tags and addresses that do not exist;
  DigitalOcean takes only verified addresses.
- A Droplet is shown until it is destroyed, and then at once by nobody; DigitalOcean's own views may
  disagree for a while.
- Prices, processors other than regular ones, distributions other than Debian and Ubuntu.
"""


def render() -> str:
    """Return the page as Markdown."""
    reasons = dict.fromkeys([*EVERYWHERE, *(why for route in ROUTES for why in route.refuses)])
    return "\n".join(
        [
            _HEAD,
            _WHY,
            "## Routes",
            "",
            "Each may also refuse for the reasons marked with \\* below.",
            "",
            _row("Route", "What it does", "Scopes of the token", "Refuses when"),
            _row(*["---"] * 4),
            *map(_route, ROUTES),
            "",
            "## Refusals",
            "",
            _row("Status", "When", "Message", "Source"),
            _row(*["---"] * 4),
            *map(_reason, reasons),
            "",
            _NOT_MODELLED,
        ]
    )


def _route(route: Route) -> str:
    scopes = [
        *(f"`{scope}`" for scope in route.scopes),
        *(f"`{scope}` if {when}" for scope, when in route.more_scopes.items()),
    ]
    refuses = [f"{why.status.value}: {why.when}" for why in route.refuses]
    return _row(
        f"`{route.rule}` ({route.operation})", route.summary, _lines(scopes), _lines(refuses)
    )


def _reason(reason: Reason) -> str:
    mark = " \\*" if reason in EVERYWHERE else ""
    return _row(f"{reason.status.value}{mark}", reason.when, f"`{reason.message}`", reason.source)


def _lines(entries: Iterable[str]) -> str:
    return "<br>".join(entries)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(render())
