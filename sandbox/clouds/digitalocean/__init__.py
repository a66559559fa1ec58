"""DigitalOcean on this machine: a small API v2 on loopback that behaves as the documented one.

It keeps to the routes, methods and bodies of the OpenAPI specification, so the official clients
(`pydo`, godo and what is built on it) speak to it unchanged. Droplets are records, not machines:
nothing boots. `docs/digitalocean-model.md` lists every route, what each refuses, and what is not
modelled.

Where it differs from DigitalOcean: plain HTTP on loopback instead of HTTPS; one account, one token;
addresses come from ranges reserved for documentation. What a Droplet reads at 169.254.169.254 is at
`/dualstack-sandbox/droplets/<id>/metadata/v1.json`, user data included, which the API never
returns. `GET /dualstack-sandbox/scopes` lists what a token needed for all requests so far. The rest
of the control surface is that of every cloud.
"""

import os
from typing import Final

TOKEN: Final = f"dop_v1_{'0' * 64}"
"""The only token: shaped like a personal access token, and worth nothing elsewhere."""


def client_environment(url: str) -> dict[str, str]:
    """Return the environment variables that point DigitalOcean's clients at the sandbox.

    The Pulumi provider reads `DIGITALOCEAN_API_URL` and `DIGITALOCEAN_TOKEN`. `pydo` reads none:
    give its client `token` and `endpoint`, and `enforce_https=False` with every call, because it
    sends no token over plain HTTP otherwise. Loopback is excepted from a proxy.

    Args:
        url: where the cloud listens, as `Cloud.url` says.

    Source: Pulumi Registry, 'DigitalOcean Installation & Configuration'; azure-core,
    `BearerTokenCredentialPolicy`.
    """
    exempt = os.environ.get("NO_PROXY", "")
    return {
        "DIGITALOCEAN_API_URL": url,
        "DIGITALOCEAN_TOKEN": TOKEN,
        "NO_PROXY": f"{exempt},127.0.0.1" if exempt else "127.0.0.1",
    }
