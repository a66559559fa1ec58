"""The kill switch's object: where it is, how it gets there, and what a health checker would see."""

from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, urlopen

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from components.facts import S3_OBJECT, SWITCH_WORDS

CONTENT: Final = f"{SWITCH_WORDS}\n"
"""What the object says."""

SEARCHED_BYTES: Final = 5_120
"""How much of an answer health checkers look at. Source: Route 53 API Reference, HealthCheckConfig,
SearchString."""

READ_SECONDS: Final = 6.0
"""How long a health checker waits: four seconds for the connection, two for the status.

Source: Route 53 Developer Guide, 'How Amazon Route 53 determines whether a health check is
healthy'."""

_NO_CREDENTIALS: Final = (
    *(NoCredentialsError, PartialCredentialsError, ProfileNotFound, SSOTokenLoadError),
    *(TokenRetrievalError, UnauthorizedSSOTokenError),
)


class SwitchError(Exception):
    """The object could not be put; the message says why, in one line."""


class SwitchUnclearError(SwitchError):
    """Nobody can tell whether it was put."""


@dataclass(frozen=True)
class SwitchObject:
    """The object whose presence drains cdn."""

    url: str
    """Its address."""

    @property
    def is_at_s3(self) -> bool:
        """Whether it can be put by S3 of its region."""
        return S3_OBJECT.fullmatch(self.url) is not None

    @property
    def uri(self) -> str:
        """Its address as `aws s3` takes it; empty where it is not at S3."""
        bucket, _, key = self._place()
        return f"s3://{bucket}/{key}" if bucket else ""

    @property
    def region(self) -> str:
        """Its region; empty where it is not at S3."""
        return self._place()[1]

    @property
    def to_put(self) -> str:
        """What puts it by hand."""
        if self.is_at_s3:
            return f"printf '{SWITCH_WORDS}' | aws s3 cp - '{self.uri}' --region {self.region}"
        return (
            f"Have {self.url} answer 200 with a body that begins with these words, without a login "
            f"and without a redirect:\n    {SWITCH_WORDS}"
        )

    @property
    def to_take_away(self) -> str:
        """What takes it away by hand."""
        if self.is_at_s3:
            return f"aws s3 rm '{self.uri}' --region {self.region}"
        return f"have {self.url} answer 404 again"

    def put(self, session: Any) -> None:
        """Put it, with S3 of its region and nothing else.

        Needs `s3:PutObject` on it. What is there already is written again.

        Args:
            session: A boto3 session.

        Raises:
            SwitchError: S3 refuses, or there are no credentials; nothing was put.
            SwitchUnclearError: S3 did not answer, so it may be there.
        """
        bucket, region, key = self._place()
        try:
            client = session.client(
                "s3",
                region_name=region,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 4},
                    connect_timeout=5,
                    read_timeout=10,
                ),
            )
            client.put_object(
                Bucket=bucket,
                Key=key,
                Body=CONTENT.encode(),
                ContentType="text/plain",
                CacheControl="no-store",
            )
        except ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            kind = SwitchUnclearError if status >= 500 else SwitchError  # noqa: PLR2004 - HTTP's
            raise kind(_why(error)) from error
        except _NO_CREDENTIALS as error:
            raise SwitchError(f"{_why(error)}. Set AWS_PROFILE, or: aws sso login") from error
        except BotoCoreError as error:
            raise SwitchUnclearError(_why(error)) from error

    def _place(self) -> tuple[str, str, str]:
        found = S3_OBJECT.fullmatch(self.url)
        return (found["bucket"], found["region"], unquote(found["key"])) if found else ("", "", "")


def seen(url: str, read: Callable[[str], tuple[int, bytes]] | None = None) -> str:
    """Return why a health checker would not take the object for there; empty: it would.

    Args:
        url: Its address.
        read: Returns the status and the begin of the body.
    """
    try:
        status, body = (read or read_url)(url)
    except (OSError, ValueError, HTTPException) as error:
        return f"{url} cannot be read from here: {' '.join(str(error).split())}"
    if SWITCH_WORDS.encode() not in body[:SEARCHED_BYTES] or not 200 <= status < 400:  # noqa: PLR2004 - HTTP's
        return f"{url} answers {status} without the words {SWITCH_WORDS!r}"
    return ""


def read_url(url: str) -> tuple[int, bytes]:
    """Return what an address answers to somebody without credentials.

    Raises:
        OSError: It does not answer.
    """
    parts = urlsplit(url)
    # S3 and servers like it take a path as it is written, encoded or not.
    plain = parts._replace(path=quote(parts.path, safe="/%:@!$&'()*+,;=~")).geturl()
    try:
        with urlopen(Request(plain), timeout=READ_SECONDS) as answer:  # noqa: S310 - http or https, as the settings have it
            return answer.status, answer.read(SEARCHED_BYTES)
    except HTTPError as error:
        with error:
            return error.code, error.read(SEARCHED_BYTES)
    except URLError as error:
        raise OSError(str(error.reason)) from error


def _why(error: BotoCoreError | ClientError) -> str:
    return " ".join(str(error).split()).removesuffix(".")
