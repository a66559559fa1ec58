"""What a provider answers to a look-up, and the error when that is not enough.

An invoke that fails says why in words alone. `NONE_THERE` and `SEVERAL_THERE` are the words that
mean something. Anything else (no permission, throttling, no network) means that nobody knows, and
is never taken for "none".
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import pulumi
import pulumi.runtime
from pulumi.runtime.mocks import MockMonitor

from components.errors import FaultsError
from components.faults import Fault

T = TypeVar("T")

NONE_THERE: Final = re.compile(
    r"LoadBalancerNotFound|couldn't find resource|no matching|returned 0 results", re.IGNORECASE
)
"""There is none: of a load balancer of the newer kinds, of a classic one, of a zone.

Source: terraform-provider-aws, data sources aws_lb, aws_elb and aws_route53_zone; the error codes
of DescribeLoadBalancers in both Elastic Load Balancing APIs.
"""

SEVERAL_THERE: Final = re.compile(r"\bmultiple\b.*\bmatched\b|returned [0-9]+ results")
"""There are several. Source: as above."""

_PREAMBLE: Final = re.compile(
    r"\A(invoke of \S+ failed: |invocation of \S+ returned an error: |invoking \S+: )+"
)


class OriginError(FaultsError):
    """Something that has to be there cannot be used; the message says so of everything.

    Its cause is what the provider said, a group of exceptions where it said several things.
    """

    def __init__(self, *faults: Fault) -> None:
        """Keep the faults."""
        super().__init__("The edge cannot be built on what is there", faults)


class UnansweredError(OriginError):
    """Nobody knows whether something is there, because asking failed: no answer, or none to us."""


class NoAccessError(UnansweredError):
    """Nobody answers anything: the credentials are refused, or nobody is there."""


def together(*errors: OriginError) -> OriginError:
    """Return one error for several, caused by all that caused them."""
    if len(errors) == 1:
        return errors[0]
    whole = OriginError(*(fault for error in errors for fault in error.faults))
    causes = [error.__cause__ for error in errors if isinstance(error.__cause__, Exception)]
    whole.__cause__ = ExceptionGroup("the look-ups failed", causes) if causes else None
    return whole


def has_account() -> bool:
    """Say whether there is an account to ask past the provider.

    There is none in a unit test, whose mocks answer what the provider is asked and nothing else.
    """
    return not isinstance(pulumi.runtime.settings.get_monitor(), MockMonitor)


STANDS: Final = "The edge stands, so this deployment goes on with what it has."
"""What the user reads where nobody answers and nothing depends on it."""


def attempt(
    step: Callable[[], T], otherwise: Callable[[], T] | None = None, words: str = STANDS
) -> T | OriginError:
    """Return the error instead of raising it, so that the next step runs too.

    Args:
        step: Looks something up.
        otherwise: Returns what stands, which is used, with a warning, where nobody answers. None:
            nothing stands yet, so that is a fault like an answer that says no.
        words: Why the deployment goes on then.
    """
    try:
        return step()
    except UnansweredError as error:
        if otherwise is None:
            return error
        for fault in error.faults:
            pulumi.log.warn(f"{fault}\n{words}")
        return otherwise()
    except OriginError as error:
        return error


def answer_of(question: Callable[[], T]) -> T | Exception:
    """Ask the provider; return its error as an answer, because it is one."""
    try:
        return question()
    except pulumi.RunError:
        raise  # not the provider's: the engine has gone away
    except Exception as error:  # noqa: BLE001 - a failed invoke raises nothing narrower
        return error


def words_of(error: Exception) -> str:
    """Return what the provider said, in one line, without what SDK and engine put before it."""
    words = _PREAMBLE.sub("", str(error))
    return " ".join(words.split()).rstrip(".")


def invoke_options(opts: pulumi.ResourceOptions | None, package: str) -> pulumi.InvokeOptions:
    """Return what makes look-ups use the provider of a package that the resources will use."""
    if opts is None:
        return pulumi.InvokeOptions()
    given = opts.providers or ()
    providers = list(given.values() if isinstance(given, Mapping) else given)
    if opts.provider is not None:
        providers.append(opts.provider)
    chosen = [provider for provider in providers if provider.package == package]
    return pulumi.InvokeOptions(parent=opts.parent, provider=chosen[-1] if chosen else None)
