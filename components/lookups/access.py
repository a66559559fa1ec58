"""Whether there is somebody to ask: credentials, region and endpoint, before anything is looked up.

Without credentials every look-up fails, each in words of its own. The cause is one, so it is told
once, before the others are asked.

Only what is certain stops a deployment: credentials that are missing or that AWS refuses, and a
local endpoint where nobody answers. That STS at AWS itself does not answer stops nothing, for
weights can be changed without it.

Source: AWS SDKs and Tools Reference Guide, 'Standardized credential providers' and
'Service-specific endpoints'; botocore, `exceptions.py`; STS API Reference, 'Common Errors'.
"""

import os
import socket
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.session import Session

from components.faults import Fault, shown
from components.load_balancer_names import ZONES

_CREDENTIALS: Final = "The AWS login"
_AN_ACCOUNT: Final = "credentials of the account that the edge is for"
_LOG_IN: Final = (
    "Set AWS_PROFILE to a profile that has them; `aws configure list-profiles` lists yours. With "
    "IAM Identity Center log in first: aws sso login"
)

_LOGIN_ENDED: Final = (LoginError, SSOError, TokenRetrievalError)
_NO_ANSWER: Final = (HTTPClientError, NoConnectionError)

_UNKNOWN_KEY: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException"})
_WRONG_SECRET: Final = frozenset(
    {"IncompleteSignature", "InvalidSignatureException", "SignatureDoesNotMatch"}
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_CLOCK: Final = ("Signature expired", "Signature not yet current", "RequestTimeTooSkewed")


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 443))
    except OSError:
        return False


def refusal(  # noqa: PLR0911 - a row for each kind of error
    error: BotoCoreError | ClientError, profile: str | None, endpoint: str = ""
) -> Fault | None:
    """Return what keeps AWS from being asked anything; None: the error says nothing of the kind.

    Args:
        error: What botocore raised while it found credentials, or asked STS who has them.
        profile: The profile that the stack or the environment names.
        endpoint: Where STS was asked; empty where nobody was asked yet.
    """
    if isinstance(error, ProfileNotFound):
        return _no_profile(profile or "")
    if isinstance(error, NoCredentialsError):
        return Fault(_CREDENTIALS, "missing", _AN_ACCOUNT, _LOG_IN)
    if isinstance(error, PartialCredentialsError):
        there = f"half there ({str(error).rstrip('.')})"
        return Fault(_CREDENTIALS, there, _AN_ACCOUNT, "Set the other half, or AWS_PROFILE.")
    if isinstance(error, CredentialRetrievalError):
        there = f"one that could not be got ({' '.join(str(error).split()).rstrip('.')})"
        return Fault(_CREDENTIALS, there, _AN_ACCOUNT, "See `credential_process` in ~/.aws/config.")
    if isinstance(error, _LOGIN_ENDED):
        return _run_out(profile, error)
    if isinstance(error, ClientError):
        return _refused(error, profile)
    return _nobody_there(endpoint) if isinstance(error, _NO_ANSWER) else None


def _no_profile(profile: str) -> Fault:
    names = ", ".join(Session().available_profiles)
    where = "AWS_PROFILE" if os.environ.get("AWS_PROFILE") == profile else "aws:profile"
    return Fault(
        where,
        f"{shown(profile)}, which this machine does not have",
        f"one of {names}" if names else "a profile; there is none in ~/.aws/config",
        "Correct it, or make it: aws configure --profile " + profile,
    )


def _run_out(profile: str | None, cause: Exception) -> Fault:
    return Fault(
        _CREDENTIALS,
        "one that has run out",
        f"{_AN_ACCOUNT} ({' '.join(str(cause).split()).rstrip('.')})",
        f"Log in again: aws sso login{f' --profile {profile}' if profile else ''}",
    )


def _refused(error: ClientError, profile: str | None) -> Fault | None:
    """Return what it means that STS does not take the credentials."""
    answer = error.response.get("Error", {})
    code, words = answer.get("Code", ""), answer.get("Message", "")
    if any(sign in f"{code} {words}" for sign in _CLOCK):
        return Fault(
            "The clock of this machine",
            "another than AWS's",
            f"one that differs by less than five minutes ({words.rstrip('.')})",
            "Set it, and see that it stays so: timedatectl",
        )
    if code in _EXPIRED:
        return _run_out(profile, error)
    if code in _UNKNOWN_KEY:
        found = f"an access key that AWS does not know ({code})"
    elif code in _WRONG_SECRET:
        found = f"a secret that does not belong to the access key ({code})"
    else:
        return None
    return Fault(_CREDENTIALS, found, _AN_ACCOUNT, f"See whose they are: {_whose(profile)}")


def _whose(profile: str | None) -> str:
    return f"aws sts get-caller-identity{f' --profile {profile}' if profile else ''}"


def _nobody_there(endpoint: str) -> Fault | None:
    host = urlsplit(endpoint).hostname or ""
    if not host or host.endswith(("amazonaws.com", "amazonaws.com.cn", "api.aws")):
        return None
    return Fault(
        "The endpoint of AWS",
        f"{endpoint}, where nobody answers",
        "AWS itself, or a cloud that runs",
        "Take AWS_ENDPOINT_URL away, or start what should be there; of the sandbox: make up",
    )


def wrong_account(identity: Mapping[str, Any], arguments: Mapping[str, Any]) -> Fault | None:
    """Return that the credentials are another account's than the stack allows.

    Args:
        identity: What STS says of them.
        arguments: The arguments of the AWS provider.
    """
    account, arn = str(identity.get("Account", "")), identity.get("Arn", "")
    allowed = [str(each) for each in arguments.get("allowed_account_ids") or ()]
    forbidden = [str(each) for each in arguments.get("forbidden_account_ids") or ()]
    if (not allowed or account in allowed) and account not in forbidden:
        return None
    return Fault(
        "The AWS account",
        f"{account}, that of {arn}",
        f"one of {', '.join(allowed)}, as aws:allowedAccountIds says"
        if allowed
        else "none of those in aws:forbiddenAccountIds",
        "Set AWS_PROFILE to a profile of that account.",
    )


def wrong_region(
    configured: str | None,
    arguments: Mapping[str, Any],
    resolves: Callable[[str], bool] = _resolves,
) -> Fault | None:
    """Return that nothing says in which region the load balancer is, or that there is no such one.

    A region that is younger than what is written here is one whose name the DNS knows.

    Args:
        configured: What the stack says, `aws:region`.
        arguments: The other arguments of the AWS provider.
        resolves: Says whether the DNS knows a name.
    """
    session = Session(profile=arguments.get("profile"))
    variables = ("AWS_REGION", "AWS_DEFAULT_REGION")
    found = [("aws:region", configured), *((name, os.environ.get(name)) for name in variables)]
    found.append(("The region of the profile", session.get_config_variable("region")))
    name, region = next((each for each in found if each[1]), ("aws:region", None))
    if region in ZONES:
        return None
    known = sorted({*ZONES, *session.get_available_regions("elbv2")})
    if region and (region in known or resolves(f"elasticloadbalancing.{region}.amazonaws.com")):
        return None
    near = get_close_matches((region or "").lower().replace("_", "-"), known, n=1)
    return Fault(
        name,
        shown(region) if region else "not set",
        f"the region that the load balancer is in, one of {', '.join(known)}",
        f"Set it with: pulumi config set aws:region {near[0] if near else 'eu-central-1'}",
    )
