"""Where HTTPS records lead that the A and AAAA records do not. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from rollout.probe.model import EdgeTarget, Path
from rollout.verify.dns_answers import (
    FAMILIES,
    OTHER_TYPE,
    PATHS,
    AddressOwners,
    RecordType,
    first_few,
)


class _HttpsRecord(Protocol):
    """The HTTPS record, as dnspython has it."""

    priority: int
    target: dns.name.Name
    params: Any


_PORT_KEY: Final = 3
_HINT_KEYS: Final[tuple[tuple[RecordType, int], ...]] = (("A", 4), ("AAAA", 6))
"""Numbers of `port`, `ipv4hint` and `ipv6hint`. Source: RFC 9460 section 14.3.2."""


def https_faults(
    values: Iterable[str],
    hostname: str,
    target: EdgeTarget,
    owners: Mapping[RecordType, AddressOwners],
) -> list[str]:
    """Return where HTTPS records lead that the A and AAAA records do not.

    Hints are addresses that a client may use before it has the A and AAAA records. Those of one
    path alone give that path more than its share, unless the other path has hints of its own.

    Args:
        values: The records; of a weighted group, those of all members.
        hostname: Their name.
        target: What is verified.
        owners: Whose address is whose.
    """
    faults: list[str] = []
    hinted: set[Path] = set()
    for value in values:
        parsed: Any = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.HTTPS, value)
        record: _HttpsRecord = parsed
        name = record.target.to_text(omit_final_dot=True).lower()
        if name not in ("", ".", "@", hostname.lower().rstrip(".")):
            faults.append(f"an HTTPS record leads to {name}, past the A and AAAA records")
        port = record.params.get(_PORT_KEY)
        if port is not None and port.port != target.port:
            faults.append(f"an HTTPS record leads to port {port.port} instead of {target.port}")
        hints: dict[RecordType, tuple[str, ...]] = {
            kind: tuple(record.params[key].addresses)
            for kind, key in _HINT_KEYS
            if record.params.get(key) is not None
        }
        for kind, addresses in hints.items():
            owner = owners[kind].of(addresses)
            if owner == "nobody" or owner == "empty":  # noqa: PLR1714 - what pyright understands
                faults.append(f"an HTTPS record hints at {first_few(addresses)}, neither path's")
                continue
            hinted.add(owner)
            twin = OTHER_TYPE[kind]
            if twin not in hints and getattr(owners[twin], owner):
                faults.append(
                    f"unpaired: an HTTPS record hints at {FAMILIES[kind]} addresses of the {owner} "
                    f"path, {first_few(addresses)}, and at none of {FAMILIES[twin]}"
                )
    return [*faults, *_unpaired_paths(hinted, target)]


def _unpaired_paths(hinted: set[Path], target: EdgeTarget) -> list[str]:
    """Return which path alone is hinted at, although the other has weight too."""
    return [
        f"unpaired: HTTPS records hint at the addresses of the {other} path only, whatever the "
        "weights say"
        for path, other in zip(PATHS, reversed(PATHS), strict=True)
        if other in hinted
        and path not in hinted
        and (target.weights is None or target.weights[path == "cdn"])
    ]
