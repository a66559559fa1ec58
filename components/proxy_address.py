"""Where users reach a proxy: what the pool makes, and records and alarms are made of."""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Address:
    """Where users reach one proxy."""

    node: str
    """Id of the proxy."""
    ip: pulumi.Output[str]
    """Its reserved IPv6 address."""
    serving: pulumi.Resource
    """What has to be there before users are sent to it."""
    before_users: pulumi.ResourceHookBinding | None = None
    """What the engine calls before it creates a record of it: it waits until the address is served.
    None where nothing waits."""
    leaving: bool = False
    """Whether the proxy is no longer in the settings. It stays as it is, and gets no more
    answers."""
