"""What the origin received compared with what was sent, and answers compared with each other. Pure.

What no `DocumentedDifference` explains is a fault. There is one exception, which the result names:
where a header reaches the origin in the same wrong form on direct over IPv4, which is how the API
is reached baseline, another way may do the same.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from rollout.probe.model import DEFAULT_PORTS, SECRET_HEADERS, HttpAnswer, Path
from rollout.verify.differences import (
    ANSWER_DIFFERENCES,
    AS_BASELINE,
    CASE,
    HTTP2,
    ORDER,
    REQUEST_DIFFERENCES,
    UNREPORTED,
    DocumentedDifference,
    HeaderChange,
)
from rollout.verify.own_requests.cookies import is_folded
from rollout.verify.received import ReceivedRequest, SentRequest

Headers = Sequence[tuple[str, str]]
"""Headers in order, names in the case they had."""

LONGEST_SHOWN: Final = 160
"""Characters of a value that evidence shows."""


@dataclass(frozen=True)
class Comparison:
    """The outcome of a comparison."""

    faults: tuple[str, ...] = ()
    """What no documentation explains, each with the name and both values."""
    accepted: tuple[str, ...] = ()
    """Names of the documented differences that were seen, each once, in alphabetical order."""


def masked(name: str, value: str) -> str:
    """Return a header's value as evidence may show it: shortened, or masked if it is secret."""
    if name.lower() in SECRET_HEADERS:
        return f"*** ({len(value)} characters)"
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}… ({len(value)})"


def compare_request(
    sent: SentRequest,
    received: ReceivedRequest,
    path: Path,
    *,
    baseline: ReceivedRequest | None = None,
    exact_names: bool = False,
) -> Comparison:
    """Compare what the origin received with what was sent.

    Args:
        sent: What was sent.
        received: What the origin received.
        path: The path it took.
        baseline: What the origin received of the same request on direct over IPv4; None: this is
            that request.
        exact_names: Whether a name's case must be kept over HTTP/1.1.
    """
    collected = _Collected()
    plain = (
        ("the method", sent.method, received.method, baseline and baseline.method),
        ("the target", sent.target, received.target, baseline and baseline.target),
        ("the scheme", sent.scheme, received.scheme, baseline and baseline.scheme),
    )
    for what, was, now, on_baseline in plain:
        # Where TLS ends at the load balancer, the API itself may get HTTP.
        if was == now or (what == "the scheme" and baseline is None):
            continue
        if now == on_baseline:
            collected.accepted.add(AS_BASELINE)
        else:
            collected.faults.append(f"{what} is {_quoted(now)} instead of {_quoted(was)}")
    if received.protocol != sent.protocol:
        _protocol(collected, sent, received, baseline)
    _body(collected, sent, received, baseline)
    http2 = sent.protocol == "HTTP/2"
    side = _Side(sent.headers, received.headers, baseline.headers if baseline else None)
    authority = next((value for name, value in sent.headers if name.lower() == "host"), "")
    port = authority.rpartition(":")[2]
    about = HeaderChange(
        "",
        (),
        (),
        http2,
        port if port.isdigit() else str(DEFAULT_PORTS[sent.scheme]),
        sent.scheme,
        is_baseline=path == "direct" and baseline is None,
    )
    _headers(collected, side, REQUEST_DIFFERENCES, path, about)
    _order_and_case(collected, side, "lower" if http2 else "exact" if exact_names else "any")
    return Comparison(tuple(collected.faults), tuple(sorted(collected.accepted)))


def compare_answer(
    answer: HttpAnswer,
    baseline: HttpAnswer,
    path: Path,
    *,
    exact_names: bool = False,
    same_body: bool = False,
) -> Comparison:
    """Compare an answer with the one to the same request on direct over IPv4.

    Args:
        answer: The answer.
        baseline: The one to compare with.
        path: The path it took.
        exact_names: Whether a name's case must be kept over HTTP/1.1.
        same_body: Whether the bodies must be the same, and are no echo.
    """
    collected = _Collected()
    if answer.status != baseline.status:
        collected.faults.append(f"the status is {answer.status} instead of {baseline.status}")
    received, was = (
        tuple(each for each in side.headers if each[0].lower() != "x-echo")
        for side in (answer, baseline)
    )
    side = _Side(was, received, None)
    _headers(collected, side, ANSWER_DIFFERENCES, path, HeaderChange("", (), ()))
    http2 = "HTTP/2" in (answer.protocol, baseline.protocol)
    _order_and_case(collected, side, "lower" if http2 else "exact" if exact_names else "any")
    if same_body and answer.body != baseline.body:
        now, was_body = _digest(answer.body), _digest(baseline.body)
        collected.faults.append(f"the body is {now} instead of {was_body}")
    return Comparison(
        tuple(f"answer: {fault}" for fault in collected.faults),
        tuple(sorted(collected.accepted - UNREPORTED)),
    )


@dataclass
class _Collected:
    """Faults and accepted differences, while they are collected."""

    faults: list[str] = field(default_factory=list[str])
    accepted: set[str] = field(default_factory=set[str])


@dataclass(frozen=True)
class _Side:
    """Headers of both ends, and those of the same request on direct over IPv4 or None."""

    sent: Headers
    received: Headers
    baseline: Headers | None


def _quoted(text: str) -> str:
    return f'"{masked("", text)}"'


def _digest(body: bytes) -> str:
    return f"{len(body)} bytes ({hashlib.sha256(body).hexdigest()[:12]})"


def _protocol(
    collected: _Collected,
    sent: SentRequest,
    received: ReceivedRequest,
    baseline: ReceivedRequest | None,
) -> None:
    if sent.protocol == "HTTP/2" and received.protocol == "HTTP/1.1":
        collected.accepted.add(HTTP2)
    elif baseline is not None and baseline.protocol == received.protocol:
        collected.accepted.add(AS_BASELINE)
    else:
        collected.faults.append(f"the protocol is {received.protocol} instead of {sent.protocol}")


def _body(
    collected: _Collected,
    sent: SentRequest,
    received: ReceivedRequest,
    baseline: ReceivedRequest | None,
) -> None:
    digest = hashlib.sha256(sent.body).hexdigest()
    if (received.body.length, received.body.sha256) == (len(sent.body), digest):
        return
    also = " (on direct over IPv4 as well)" if baseline and baseline.body == received.body else ""
    collected.faults.append(
        f"the body is {received.body.length} bytes ({received.body.sha256[:12]}) instead of "
        f"{len(sent.body)} ({digest[:12]}){also}"
    )


def _by_name(headers: Headers) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        values[name.lower()] = (*values.get(name.lower(), ()), value)
    return values


def _headers(
    collected: _Collected,
    side: _Side,
    differences: Sequence[DocumentedDifference],
    path: Path,
    about: HeaderChange,
) -> None:
    """Look for changes of headers; `about` holds what all of them have in common."""
    sent, received = _by_name(side.sent), _by_name(side.received)
    baseline = None if side.baseline is None else _by_name(side.baseline)
    for name in dict.fromkeys((*sent, *received)):
        change = replace(about, name=name, sent=sent.get(name, ()), received=received.get(name, ()))
        if change.sent == change.received:
            continue
        explained = next(
            (each.name for each in differences if path in each.paths and each.explains(change)),
            None,
        )
        if explained is not None:
            collected.accepted.add(explained)
        elif baseline is not None and baseline.get(name, ()) == change.received:
            collected.accepted.add(AS_BASELINE)
        else:
            collected.faults.append(_fault(change))


def _fault(change: HeaderChange) -> str:
    name = change.name
    was = " and ".join(f'"{masked(name, value)}"' for value in change.sent)
    received = " and ".join(f'"{masked(name, value)}"' for value in change.received)
    if not change.received:
        return f"{name} is missing, {was} was sent"
    if not change.sent:
        return f"{name} is {received}, none was sent"
    if name == "set-cookie" and is_folded(change.sent, change.received):
        return (
            f"{len(change.sent)} Set-Cookie headers came as {len(change.received)}, of which a "
            "client reads one cookie each"
        )
    if name in SECRET_HEADERS:
        return f"{name} is {received} instead of {was}; its value is altered"
    if sorted(change.sent) == sorted(change.received):
        return f"{name} has its values in another order: {received} instead of {was}"
    return f"{name} is {received} instead of {was}"


def _names(headers: Headers) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for name, _ in headers:
        names[name.lower()] = (*names.get(name.lower(), ()), name)
    return names


def _order_and_case(collected: _Collected, side: _Side, case: str) -> None:
    """Compare what has no meaning in HTTP: the order of names, and their case.

    Args:
        collected: Takes the outcome.
        side: The headers.
        case: `exact`, it must be kept; `lower`, HTTP/2 lowered it; `any`, it is only reported.
    """
    before, after, usual = _names(side.sent), _names(side.received), _names(side.baseline or ())
    if [name for name in before if name in after] != [name for name in after if name in before]:
        collected.accepted.add(ORDER)
    for name, written in before.items():
        arrived = after.get(name, ())
        # Where values were joined or appended to, the number of names differs.
        if not arrived or set(arrived) <= set(written):
            continue
        if case == "lower":
            collected.accepted.add(HTTP2)
        elif case == "any":
            collected.accepted.add(CASE)
        elif usual.get(name) == arrived:
            collected.accepted.add(AS_BASELINE)
        else:
            collected.faults.append(
                f'the name of {name} is written "{arrived[0]}" instead of "{written[0]}"'
            )
