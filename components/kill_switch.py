"""A health check whose endpoint, once it is there, drains cdn: the kill switch.

Weights change through Route 53's control plane, which is in us-east-1, and a rollback may be due
just when that does not answer. Health checks are carried out all over the world and decide about
answers where these are given, so what they look at works without it.

**Why inverted.** The naive check asks something that is there and counts cdn as healthy while it
answers. Then whatever comes between, a network, a certificate, a bucket's policy, moves everybody.
This one asks for an object that is not there: what cannot be reached moves nobody. Nor is it an
alarm: a drained path has no data, so an alarm goes off and on again, and everybody with it.

**Why words.** Answers of status 200 or 3xx are given for what is not there, too: pages for unknown
paths, redirects to HTTPS, and S3's own while a new bucket's name spreads. So the body has to have
words that nobody else writes.

**On both families.** One check, on the `cdn` records of all hostnames, A and AAAA: they are drained
together, and by nothing else. Route 53 then answers with the healthy records, which are `direct`'s,
and of these also with weight 0.

**A new check is unhealthy**, because it is inverted, until it has looked often enough. Put on
records at once it would drain cdn for that long: a shift that nobody ordered. So it is made first,
and the records get it when it has looked. While `cdn` has no weight it makes no difference, and
nothing waits.

Source: Route 53 Developer Guide, 'How Amazon Route 53 determines whether a health check is healthy'
and 'How Amazon Route 53 chooses records when health checking is configured'; docs/decisions/0023.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pulumi
import pulumi.runtime
import pulumi_aws as aws

from components.facts import SWITCH_INTERVAL_SECONDS, SWITCH_THRESHOLD, SWITCH_WORDS
from components.settings import KillSwitch

LOOKED_SECONDS: Final = 90
"""After how long a new check has looked often enough: half a minute, and a minute for the health
checkers to hear of it, which is what records take; AWS does not say how long a check takes."""


def drain_check(
    name: str, switch: KillSwitch, opts: pulumi.ResourceOptions
) -> aws.route53.HealthCheck:
    """Create the health check that drains cdn.

    Changing the address changes it in place; from http to https and back replaces it.

    Args:
        name: Name of the resource.
        switch: The settings.
        opts: The resource's options.
    """
    kind = "HTTPS" if switch.is_secure else "HTTP"
    return aws.route53.HealthCheck(
        name,
        type=f"{kind}_STR_MATCH",
        fqdn=switch.host,
        port=switch.port,
        resource_path=switch.path,
        search_string=SWITCH_WORDS,
        enable_sni=True if switch.is_secure else None,
        request_interval=SWITCH_INTERVAL_SECONDS,
        failure_threshold=SWITCH_THRESHOLD,
        invert_healthcheck=True,
        tags={"Name": name},
        opts=opts,
    )


def after_it_looked(
    check: aws.route53.HealthCheck,
    last_id: str | None,
    say: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> pulumi.Output[str]:
    """Return the id of a check once it has looked often enough to be healthy.

    Args:
        check: The check.
        last_id: The id that it had after the last deployment; None: it had none.
        say: Tells the user.
        sleep: Lets seconds go by.
    """

    async def wait(check_id: str) -> str:
        if check_id != last_id and not pulumi.runtime.is_dry_run():
            say(
                f"The kill switch's health check is new, and unhealthy until it has looked. "
                f"Waiting for {LOOKED_SECONDS} s before the records of cdn get it."
            )
            await sleep(LOOKED_SECONDS)
        return check_id

    return check.id.apply(wait)
