"""How a configured provider reaches AWS.

Everything that botocore reads from the environment counts (`AWS_ENDPOINT_URL`, `AWS_REGION`,
`AWS_ACCESS_KEY_ID` ...), and the provider's configuration comes before it: `region`, `profile`,
`accessKey`, `secretKey`, `token`, `endpoints`, `maxRetries`, `retryMode`, `insecure`,
`customCaBundle`, `useDualstackEndpoint`, `useFipsEndpoint`, `allowedAccountIds`,
`forbiddenAccountIds`, `defaultTags` and `ignoreTags`.

Where it differs from the official plugin: roles are not assumed (`assumeRoles` and
`assumeRoleWithWebIdentity` are refused, use a profile instead); other inputs of the SDK's
`ProviderArgs` are accepted and change nothing; credentials are not tried before the first request
needs them, unless accounts are allowed or forbidden.
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from sandbox.plugins import actions
from sandbox.plugins.resource import EngineTask, Failure, PluginError
from sandbox.plugins.values import UNKNOWN, Props, block_of, items_of

_REGION = re.compile(r"(us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov)-[a-z]+-\d")
_ROLES = ("assumeRoles", "assumeRoleWithWebIdentity")
_RETRIES = 25
"""Attempts at a request that is throttled, as many as the official plugin makes."""


def check_config(config: Props) -> Iterator[Failure]:
    """Yield what is wrong with a provider's configuration whose types are right."""
    for name in _ROLES:
        if config.get(name):
            yield Failure(
                name,
                f"{name} is set; the stand-in for the aws plugin assumes no roles. "
                "Name a profile that does with `profile`, or install the official plugin.",
            )
    region = config.get("region")
    skipped = config.get("skipRegionValidation")
    if isinstance(region, str) and not skipped and not _REGION.fullmatch(region):
        yield Failure(
            "region",
            f"region is {region!r}, an invalid AWS Region; one like us-east-1 is allowed. "
            "Set `aws:region`, or skip this check with `skipRegionValidation`.",
        )


class AwsSession:
    """The clients of one configured provider, made when they are first needed."""

    def __init__(self, config: Props, environment: Mapping[str, str] = os.environ) -> None:
        """Take a checked configuration.

        Args:
            config: The provider's configuration; values that are UNKNOWN count as not given.
            environment: Where the file of actions is named.

        Raises:
            PluginError: there is no region, or the account is not one that is allowed.
        """
        self._config = {name: value for name, value in config.items() if value is not UNKNOWN}
        self._actions = environment.get(actions.ACTIONS_FILE)
        self._lock = Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self.region = self._region()
        self._check_account()

    @cached_property
    def _session(self) -> Session:
        # boto3 would import what S3 needs as well, in each of the plugin's processes.
        try:
            session = Session(profile=self._config.get("profile"))
            if self._actions:
                session.register("before-call", self._record)
            if region := self._config.get("region"):
                session.set_config_variable("region", region)
            session.get_scoped_config()  # finds that a profile is not there
        except BotoCoreError as error:
            raise PluginError(explain(error)) from error
        return session

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the client of a service.

        Args:
            service: botocore's name of it.
            region: Another region than the provider's.
        """
        key = (service, region or self.region)
        with self._lock:  # clients may be shared between threads, sessions may not
            if key not in self._clients:
                self._clients[key] = self._session.create_client(
                    service,
                    region_name=key[1],
                    endpoint_url=self._endpoint(service),
                    aws_access_key_id=self._config.get("accessKey"),
                    aws_secret_access_key=self._config.get("secretKey"),
                    aws_session_token=self._config.get("token"),
                    verify=False
                    if self._config.get("insecure")
                    else self._config.get("customCaBundle"),
                    config=Config(
                        # Route 53 answers PriorRequestNotComplete while a change is pending;
                        # botocore knows it as one to retry.
                        retries={
                            "mode": self._config.get("retryMode", "standard"),
                            "total_max_attempts": self._config.get("maxRetries", _RETRIES),
                        },
                        use_dualstack_endpoint=self._config.get("useDualstackEndpoint"),
                        use_fips_endpoint=self._config.get("useFipsEndpoint"),
                    ),
                )
            return self._clients[key]

    @cached_property
    def identity(self) -> Props:
        """Who the credentials belong to: what STS says, `Account`, `Arn` and `UserId`."""
        return dict(self.client("sts").get_caller_identity())

    @cached_property
    def default_tags(self) -> dict[str, str]:
        """The tags that every resource gets."""
        return block_of(block_of(self._config, "defaultTags"), "tags")

    def partition(self, region: str | None = None) -> str:
        """Return the partition of a region: `aws`, `aws-cn` or `aws-us-gov`."""
        return str(self._session.get_partition_for_region(region or self.region))

    def own_tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the tags of a resource that are not AWS's own and not to be ignored."""
        ignored: Props = block_of(self._config, "ignoreTags")
        keys, prefixes = items_of(ignored, "keys"), items_of(ignored, "keyPrefixes")
        return {
            key: value
            for key, value in tags.items()
            if not key.startswith(("aws:", *prefixes)) and key not in keys
        }

    def _region(self) -> str:
        # botocore reads AWS_DEFAULT_REGION, the official plugin AWS_REGION too; either will do.
        region = self._session.get_config_variable("region") or os.environ.get("AWS_REGION")
        if not region:
            raise PluginError(
                "the AWS region is not set; a provider needs one, such as us-east-1. "
                "Set it with `pulumi config set aws:region us-east-1` or AWS_REGION."
            )
        return str(region)

    def _check_account(self) -> None:
        allowed = self._config.get("allowedAccountIds")
        forbidden = items_of(self._config, "forbiddenAccountIds")
        if not allowed and not forbidden:
            return
        account = self.identity["Account"]
        if account in forbidden or (allowed and account not in allowed):
            raise PluginError(
                f"AWS account ID not allowed: {account}; "
                + (f"{', '.join(allowed)} may be used." if allowed else "it is forbidden.")
                + " Use other credentials, or change allowedAccountIds or forbiddenAccountIds."
            )

    def _endpoint(self, service: str) -> str | None:
        endpoints: list[Props] = items_of(self._config, "endpoints")
        return next((item[service] for item in endpoints if item.get(service)), None)

    def _record(self, model: Any, **_: object) -> None:
        actions.note(self._actions, "action", f"{model.service_model.signing_name}:{model.name}")


AwsTask: TypeAlias = EngineTask[AwsSession]
"""One request of the engine to the stand-in."""


def explain(error: Exception) -> str:
    """Return what AWS says went wrong: the operation, the error code and its message.

    `InvalidChangeBatch` of Route 53 carries its reasons in a list that botocore leaves out.
    """
    if isinstance(error, ClientError):
        response: Props = dict(error.response)
        error_fields: Props = response.get("Error", {})
        reasons = response.get("messages") or items_of(error_fields, "Messages")
        text = "; ".join([str(error_fields.get("Message") or ""), *map(str, reasons)]).strip("; ")
        return f"{error.operation_name}: {error_fields.get('Code', 'Unknown')}: {text}"
    if isinstance(error, BotoCoreError):
        return f"{error}"
    return f"{type(error).__name__}: {error}"


def code_of(error: ClientError) -> str:
    """Return the error code of an answer of AWS, `NoSuchDistribution`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def to_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the APIs take them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def from_list(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return tags as the SDK has them."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags}
