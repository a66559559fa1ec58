"""What a test may change about the cloud while it runs."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

MAX_DROPLETS: Final = 500
"""So many Droplets the ranges for documentation have public IPv4 addresses for, with some over."""

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LocalSettings(BaseModel):
    """How slow and how strict the cloud is; the defaults suit a developer in a hurry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action_seconds: Seconds = 0.5
    """How long an action stays `in-progress`: creating and destroying a Droplet, assigning a
    reserved IPv6, applying a firewall. DigitalOcean takes seconds to a minute."""

    droplet_limit: Annotated[int, Field(ge=0, le=MAX_DROPLETS)] = 25
    """Droplets the account may have. Source: API reference, `account.droplet_limit`, example."""

    reserved_ip_limit: Annotated[int, Field(ge=0)] = 10
    """Reserved addresses the account may have. An account of DigitalOcean's begins with 3 and gets
    more on request; this one has room for the examples too. Source: 'Reserved IP Limits'."""

    token_scopes: frozenset[str] | None = None
    """Scopes of the token, e.g. `["droplet:read"]`; None is a token with full access."""
