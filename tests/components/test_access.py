"""Credentials, profile, region, account and endpoint: each is named as what is wrong, once."""

from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from components.lookups import access
from components.lookups.account import check_access, open_account
from components.lookups.answers import OriginError

LOCAL = "http://127.0.0.1:9"
AWS = "https://sts.us-east-1.amazonaws.com"


def refused(code: str, words: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": words}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(
            exceptions.NoCredentialsError(),
            "The AWS login is missing; credentials of the account that the edge is for. "
            "Set AWS_PROFILE to a profile that has them",
            id="none",
        ),
        pytest.param(
            exceptions.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            "The AWS login is half there (Partial credentials found in env, missing: "
            "AWS_SECRET_ACCESS_KEY)",
            id="half",
        ),
        pytest.param(
            exceptions.UnauthorizedSSOTokenError(),
            "Log in again: aws sso login --profile work",
            id="a login that has ended",
        ),
        pytest.param(
            exceptions.CredentialRetrievalError(provider="custom-process", error_msg="exit 1"),
            "See `credential_process` in ~/.aws/config.",
            id="a program that gives none",
        ),
        pytest.param(refused("ExpiredToken"), "Log in again: aws sso login", id="run out"),
        pytest.param(
            refused("InvalidClientTokenId"),
            "an access key that AWS does not know (InvalidClientTokenId)",
            id="an unknown key",
        ),
        pytest.param(
            refused("SignatureDoesNotMatch", "The request signature we calculated"),
            "a secret that does not belong to the access key (SignatureDoesNotMatch)",
            id="a wrong secret",
        ),
        pytest.param(
            refused("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z"),
            "The clock of this machine is another than AWS's",
            id="a clock that is wrong",
        ),
    ],
)
def test_each_cause_is_named_with_what_to_do(
    error: BotoCoreError | ClientError, message: str
) -> None:
    fault = access.refusal(error, "work", AWS)
    assert message in str(fault)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.EndpointConnectionError(endpoint_url=LOCAL),
        exceptions.ConnectTimeoutError(endpoint_url=LOCAL),
        exceptions.ConnectionClosedError(endpoint_url=LOCAL),
        exceptions.ReadTimeoutError(endpoint_url=LOCAL),
        exceptions.SSLError(endpoint_url=LOCAL, error=OSError("no")),
        exceptions.ProxyConnectionError(proxy_url=LOCAL),
    ],
    ids=lambda error: type(error).__name__,
)
def test_where_nobody_answers_an_endpoint_is_named_and_aws_itself_is_not(
    error: BotoCoreError,
) -> None:
    named = f"The endpoint of AWS is {LOCAL}, where nobody answers;"
    assert named in str(access.refusal(error, None, LOCAL))
    assert access.refusal(error, None, AWS) is None
    assert access.refusal(error, None) is None


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", "InternalFailure"])
def test_what_is_no_matter_of_credentials_stops_nothing(code: str) -> None:
    assert access.refusal(refused(code), None, LOCAL) is None
    assert access.refusal(exceptions.DataNotFoundError(data_path="x"), None, LOCAL) is None


def test_a_profile_that_is_not_there_is_told_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile work]\n[profile play]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(OriginError, match=r"aws:profile is \"wrok\", which .* one of work, play"):
        open_account({"profile": "wrok"})
    monkeypatch.setenv("AWS_PROFILE", "wrok")
    with pytest.raises(OriginError, match='AWS_PROFILE is "wrok"'):
        open_account({})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({}, None, id="any account"),
        pytest.param({"allowed_account_ids": ["1", "123456789012"]}, None, id="one of them"),
        pytest.param(
            {"allowed_account_ids": ["210987654321"]},
            "The AWS account is 123456789012, that of arn:me; one of 210987654321, as "
            "aws:allowedAccountIds says. Set AWS_PROFILE to a profile of that account.",
            id="none of them",
        ),
        pytest.param(
            {"forbidden_account_ids": ["123456789012"]},
            "The AWS account is 123456789012, that of arn:me; none of those in "
            "aws:forbiddenAccountIds. Set AWS_PROFILE to a profile of that account.",
            id="a forbidden one",
        ),
    ],
)
def test_another_account_than_the_stack_allows(
    arguments: dict[str, Any], message: str | None
) -> None:
    identity = {"Account": "123456789012", "Arn": "arn:me"}
    fault = access.wrong_account(identity, arguments)
    assert (fault and str(fault)) == message


def test_a_region_comes_from_the_stack_the_environment_or_the_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    words = str(access.wrong_region(None, {}))
    assert words.startswith(
        "aws:region is not set; the region that the load balancer is in, one of af-south-1, ap-"
    )
    assert words.endswith("Set it with: pulumi config set aws:region eu-central-1")
    assert access.wrong_region("eu-west-1", {}) is None
    assert access.wrong_region(None, {"profile": "work"}) is None
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert access.wrong_region(None, {}) is None


@pytest.mark.parametrize(
    ("typed", "region"),
    [("eu-cental-1", "eu-central-1"), ("EU_WEST_1", "eu-west-1"), ("mars", "eu-central-1")],
)
def test_a_region_that_nobody_knows_is_told_with_the_one_it_is_like(
    typed: str, region: str
) -> None:
    fault = access.wrong_region(typed, {}, lambda _: False)
    assert fault
    assert (fault.what, fault.value) == ("aws:region", f'"{typed}"')
    assert ", eu-central-1, " in fault.allowed
    assert fault.remedy == f"Set it with: pulumi config set aws:region {region}"


def test_a_region_that_is_younger_than_this_program_is_one_that_the_dns_knows() -> None:
    asked: list[str] = []

    def resolves(name: str) -> bool:
        asked.append(name)
        return True

    assert access.wrong_region("xx-north-9", {}, resolves) is None
    assert asked == ["elasticloadbalancing.xx-north-9.amazonaws.com"]


class StsDouble:
    """STS that answers, or raises."""

    class meta:  # noqa: N801 - as a client of botocore has it
        endpoint_url = LOCAL

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer

    def get_caller_identity(self) -> dict[str, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def checked(answer: dict[str, Any] | Exception, **arguments: Any) -> list[str]:
    """Return the faults of access to an account whose STS answers so."""

    class AccountDouble:
        sts = StsDouble(answer)

    try:
        check_access(AccountDouble, arguments, "eu-west-1")  # pyright: ignore[reportArgumentType] - STS alone is asked
    except OriginError as error:
        return [str(fault).partition(";")[0] for fault in error.faults]
    return []


def test_what_is_certain_stops_and_nothing_else_does() -> None:
    me = {"Account": "1", "Arn": "arn:me"}
    assert checked(me) == []
    assert checked(refused("AccessDenied")) == []
    assert checked(exceptions.NoCredentialsError()) == ["The AWS login is missing"]
    assert checked(me, allowed_account_ids=["2"]) == ["The AWS account is 1, that of arn:me"]
    # The role that is assumed may be one of the account that is allowed.
    assert checked(me, allowed_account_ids=["2"], assume_roles=[{"role_arn": "arn:r"}]) == []
    for way in ("assume_role_with_web_identity", "skip_credentials_validation"):
        assert checked(exceptions.NoCredentialsError(), **{way: True}) == []
