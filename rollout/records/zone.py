"""A hosted zone through Route 53's API: listed, changed by a batch, waited for."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

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

from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.records.record_sets import Batch, RecordSet, plain_name

SUBMIT_SECONDS: Final = 300.0
"""How long a batch is offered while Route 53 is busy or does not answer."""
INSYNC_SECONDS: Final = 600.0
"""How long the authorities may take to have a change; most have it within a minute."""
POLL_SECONDS: Final = 2.0
"""Between two questions. Route 53 answers 10 a second and account. Source: Route 53 Developer
Guide, 'Throttling'."""

_BUSY: Final = (
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "PriorRequestNotComplete",
    "SlowDown",
)
"""Refusals that say: nothing was done, ask again. Source: Route 53 API Reference."""

_MAYBE_CARRIED_OUT: Final = "; it may have been carried out"

_UNKNOWN_OPERATION: Final = (404, 405, 501)
"""Answers of an AWS that does not have an operation."""

_NOT_LET_IN: Final = (
    *("AccessDenied", "AccessDeniedException", "ExpiredToken", "InvalidClientTokenId"),
    *("SignatureDoesNotMatch", "UnrecognizedClientException"),
)
_NO_CREDENTIALS: Final = (
    *(NoCredentialsError, PartialCredentialsError, ProfileNotFound, TokenRetrievalError),
    *(SSOTokenLoadError, UnauthorizedSSOTokenError),
)


class RecordsError(Exception):
    """Route 53 did not do it; the message says why, in one line, and what the zone has now."""


class UnclearError(RecordsError):
    """Nobody can tell whether it was done."""


class Zone:
    """A hosted zone, read and changed through Route 53's API.

    Needs `route53:ListResourceRecordSets` and `route53:ChangeResourceRecordSets` on the zone, and
    `route53:GetChange`; `route53:ListHostedZonesByName` to find one by its name.
    """

    def __init__(
        self,
        session: Any,
        zone_id: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a zone.

        Args:
            session: A boto3 session; it decides on credentials and endpoints (`AWS_ENDPOINT_URL`).
            zone_id: Id of the hosted zone.
            sleep: Waits for so many seconds.
            clock: Returns seconds that only grow.
        """
        self.id = zone_id.removeprefix("/hostedzone/")
        self._reader, self._writer = _client(session, attempts=6), _client(session, attempts=1)
        self._sleep, self._clock = sleep, clock

    def records(self, names: Iterable[str]) -> tuple[RecordSet, ...]:
        """Return all records of some names, those of a change that is under way as it makes them.

        Raises:
            RecordsError: Route 53 refuses.
            UnclearError: It cannot be reached.
        """
        with _in_one_line():
            return tuple(record for name in names for record in self._records_of(name))

    def all_records(self) -> tuple[RecordSet, ...]:
        """Return all records of the zone, some hundred a request.

        Raises:
            RecordsError: Route 53 refuses.
            UnclearError: It cannot be reached.
        """
        with _in_one_line():
            pages = self._reader.get_paginator("list_resource_record_sets").paginate(
                HostedZoneId=self.id
            )
            return tuple(RecordSet(each) for page in pages for each in page["ResourceRecordSets"])

    def protected(self) -> frozenset[tuple[str, str]]:
        """Return the names and types that Route 53 lets nobody change.

        Needs `route53:ListResourceRecordSetProtections`. Where the AWS that is asked, or the
        installed botocore, does not know protections, there are none.

        Raises:
            RecordsError: Route 53 refuses.
            UnclearError: It cannot be reached.
        """
        operation = "list_resource_record_set_protections"
        if not hasattr(self._reader, operation):
            return frozenset()
        try:
            pages = self._reader.get_paginator(operation).paginate(HostedZoneId=self.id)
            return frozenset(
                (plain_name(each["RecordName"]), str(each["RecordType"]))
                for page in pages
                for each in page.get("ResourceRecordSetProtections") or ()
            )
        except ClientError as error:
            if _status(error) in _UNKNOWN_OPERATION:
                return frozenset()
            raise RecordsError(_why(error)) from error
        except BotoCoreError as error:
            raise UnclearError(_why(error)) from error

    def _records_of(self, name: str) -> Iterator[RecordSet]:
        pages = self._reader.get_paginator("list_resource_record_sets").paginate(
            HostedZoneId=self.id, StartRecordName=name
        )
        for page in pages:
            for fields in page["ResourceRecordSets"]:
                record = RecordSet(fields)
                if record.name != name:
                    return
                yield record

    def submit(self, batch: Batch, comment: str) -> str:
        """Have a batch taken, once, and return the change's id.

        Args:
            batch: What changes; not empty.
            comment: What Route 53 keeps with it.

        Raises:
            RecordsError: Route 53 refuses it, or somebody else changed the records; nothing was
                changed by it.
            UnclearError: There was no answer, and the zone could not be read back in time.

        Returns:
            The id; empty where the zone has what the batch makes, and Route 53 takes no change by
            which that could be waited for.
        """
        deadline, pause = self._clock() + SUBMIT_SECONDS, POLL_SECONDS
        in_doubt = rewritten = False
        while True:
            if not batch.changes:
                return ""
            try:
                return self._send(batch, comment)
            except (ClientError, BotoCoreError) as error:
                if _refused(error):
                    stands = self._stands(batch)
                    if stands is None and in_doubt:
                        raise UnclearError(f"{_why(error)}{_MAYBE_CARRIED_OUT}") from error
                    if not stands:
                        raise RecordsError(_why(error)) from error
                    if rewritten:
                        return ""
                    # An earlier try was carried out after all, or somebody made the same.
                    batch, rewritten = batch.upserted(), True
                    continue
                reason = error
            unclear = not (isinstance(reason, ClientError) and _busy(reason))
            in_doubt = in_doubt or unclear
            if self._clock() + pause > deadline:
                kind = UnclearError if in_doubt else RecordsError
                carried = _MAYBE_CARRIED_OUT if in_doubt else ""
                raise kind(f"{_why(reason)}, for {SUBMIT_SECONDS:.0f} seconds{carried}") from reason
            self._sleep(pause)
            pause = min(pause * 1.5, 15)
            if unclear and self._stands(batch):
                # It was carried out. The same records written again change nothing, and their
                # change, which comes after it, has an id to wait for.
                batch, rewritten = batch.upserted(), True

    def wait(self, change_id: str, watch: Callable[[float], None] = lambda _: None) -> None:
        """Wait until all authorities have a change (INSYNC).

        Args:
            change_id: The id that `submit` returned.
            watch: Is called with the seconds it took so far, before each wait.

        Raises:
            UnclearError: They do not have it in time, or Route 53 does not say.
        """
        begin, problem = self._clock(), "PENDING"
        while True:
            try:
                if self._writer.get_change(Id=change_id)["ChangeInfo"]["Status"] == "INSYNC":
                    return
                problem = "PENDING"
            except (ClientError, BotoCoreError) as error:
                if isinstance(error, ClientError) and not (_busy(error) or _broken(error)):
                    raise UnclearError(f"Change {change_id} was taken; {_why(error)}") from error
                problem = _why(error)
            seconds = self._clock() - begin
            if seconds > INSYNC_SECONDS:
                raise UnclearError(
                    f"Change {change_id} was taken, and is {problem} after {seconds:.0f} seconds"
                )
            watch(seconds)
            self._sleep(POLL_SECONDS)

    def _send(self, batch: Batch, comment: str) -> str:
        answer = self._writer.change_resource_record_sets(
            HostedZoneId=self.id, ChangeBatch=batch.request(comment)
        )
        return str(answer["ChangeInfo"]["Id"]).removeprefix("/change/")

    def _stands(self, batch: Batch) -> bool | None:
        """Return whether the zone has what a batch makes; None: it cannot be read."""
        try:
            names = {record.name for record in (*batch.before, *batch.after)}
            there = self.records(sorted(names))
        except RecordsError:
            return None
        meanings, after = [record.meaning for record in there], {each.key for each in batch.after}
        gone = {record.key for record in batch.before} - after
        return all(record.meaning in meanings for record in batch.after) and not any(
            record.key in gone for record in there
        )


def find_zone(session: Any, zone: str) -> tuple[str, str]:
    """Return the id and the name of a public hosted zone.

    Args:
        session: A boto3 session.
        zone: Its id or its name.

    Raises:
        RecordsError: Route 53 refuses.
        UnclearError: It cannot be reached.
        WrongUseError: There is no such zone, there are several of that name, or it is private.
    """
    client, id_ = _client(session, attempts=6), zone.removeprefix("/hostedzone/")
    name = plain_name(zone)
    with _in_one_line():
        if "." not in id_:
            zones: list[Mapping[str, Any]] = [client.get_hosted_zone(Id=id_)["HostedZone"]]
        else:
            answer = client.list_hosted_zones_by_name(DNSName=name)
            zones = [each for each in answer["HostedZones"] if plain_name(each["Name"]) == name]
    public = [each for each in zones if not each.get("Config", {}).get("PrivateZone")]
    if len(public) == 1:
        one = public[0]
        return str(one["Id"]).removeprefix("/hostedzone/"), plain_name(str(one["Name"]))
    ids = ", ".join(str(each["Id"]).removeprefix("/hostedzone/") for each in public)
    value = f"{zone}, which is {len(public)} zones ({ids})" if public else f"{zone}, which is none"
    raise WrongUseError(
        [
            Fault(
                "The zone",
                value if public or not zones else f"{zone}, which is private",
                "it has to be one public hosted zone of this account",
                "Name it by its id. See them with: aws route53 list-hosted-zones",
            )
        ]
    )


def outside(hostnames: Iterable[str], zone: str) -> Iterator[Fault]:
    """Say which hostnames are not in a zone.

    Args:
        hostnames: The names, in lower case without the final dot.
        zone: Name of the zone.
    """
    for name in hostnames:
        if name != zone and not name.endswith(f".{zone}"):
            yield Fault(
                "The hostname",
                name,
                f"it has to be in zone {zone}",
                "Name the zone that it is in, or another hostname.",
            )


def _client(session: Any, attempts: int) -> Any:
    """Return a client that does not wait for long; with one attempt, it sends nothing twice."""
    return session.client(
        "route53",
        region_name="us-east-1",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=5,
            read_timeout=20,
        ),
    )


def _busy(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in _BUSY


def _refused(error: BotoCoreError | ClientError) -> bool:
    """Return whether it says that nothing was done, and that asking again is of no use."""
    if isinstance(error, ClientError):
        return not (_busy(error) or _broken(error))
    return isinstance(error, _NO_CREDENTIALS)


def _broken(error: ClientError) -> bool:
    """Return whether the answer leaves open what was done."""
    return _status(error) >= 500  # noqa: PLR2004 - server errors


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _why(error: BotoCoreError | ClientError) -> str:
    """Return an error in one line, with what to do about credentials."""
    text = " ".join(str(error).split()).removesuffix(".")
    code = (
        str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""
    )
    if isinstance(error, _NO_CREDENTIALS) or code in _NOT_LET_IN:
        return f"{text}. Set AWS_PROFILE to credentials that may change the zone, or: aws sso login"
    return text


@contextmanager
def _in_one_line() -> Generator[None]:
    """Turn AWS's errors into one line.

    Raises:
        RecordsError: AWS refused.
        UnclearError: AWS could not be reached.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        refused = isinstance(error, (ClientError, *_NO_CREDENTIALS))
        raise (RecordsError if refused else UnclearError)(_why(error)) from error
