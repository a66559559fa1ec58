"""The lab's certificate authority."""

import contextlib
import ssl
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from sandbox.lab.trust import Trust


def shake_hands(trust: Trust, issued: tuple[Path, Path], name: str) -> None:
    """Speak TLS with oneself: the client trusts an authority, the server shows a certificate."""
    for_server, for_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    showing = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    showing.load_cert_chain(*issued)
    trusting = ssl.create_default_context(cafile=str(trust.ca))
    server = showing.wrap_bio(for_server, for_client, server_side=True)
    client = trusting.wrap_bio(for_client, for_server, server_hostname=name)
    for side in (client, server, client, server):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()


def leaf_of(issued: tuple[Path, Path]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issued[0].read_bytes())


def test_a_certificate_is_good_for_its_names_and_no_other(tmp_path: Path) -> None:
    trust = Trust(tmp_path)
    issued = trust.issue(["api.example.com", "*.example.org", "192.0.2.1", "2001:db8::1"])
    for name in ("api.example.com", "v1.example.org", "192.0.2.1", "2001:db8::1"):
        shake_hands(trust, issued, name)
    for name in ("example.org", "www.api.example.com", "192.0.2.2"):
        with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid for"):
            shake_hands(trust, issued, name)


def test_the_same_names_get_the_same_certificate(tmp_path: Path) -> None:
    first = Trust(tmp_path).issue(["b.example", "a.example"])
    content = [path.read_bytes() for path in first]
    again = Trust(tmp_path).issue(iter(["a.example", "b.example", "a.example"]))
    assert again == first
    assert [path.read_bytes() for path in again] == content
    assert Trust(tmp_path).issue(["a.example"]) != first
    assert Trust(tmp_path).issue(["a.example", "b.example"], expired=True) != first


def test_an_expired_certificate_was_good_until_yesterday(tmp_path: Path) -> None:
    trust = Trust(tmp_path)
    issued = trust.issue(["api.example.com"], expired=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        shake_hands(trust, issued, "api.example.com")
    yesterday, leaf = datetime.now(UTC) - timedelta(days=1), leaf_of(issued)
    assert abs(leaf.not_valid_after_utc - yesterday) < timedelta(minutes=1)
    assert leaf.not_valid_before_utc < yesterday


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    issued = Trust(tmp_path / "other").issue(["api.example.com"])
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake_hands(Trust(tmp_path / "own"), issued, "api.example.com")


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "trust")
    trust.issue(["api.example.com"])
    keys = [tmp_path / "trust" / "ca.key", *(tmp_path / "trust").rglob("key.pem")]
    assert [stat.S_IMODE(key.stat().st_mode) for key in keys] == [0o600, 0o600]


def test_nothing_is_issued_to_nobody(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no name; it needs one at least"):
        Trust(tmp_path).issue([])


def test_those_who_ask_at_once_get_the_same(tmp_path: Path) -> None:
    def ask(_: int) -> tuple[bytes, ...]:
        return tuple(path.read_bytes() for path in Trust(tmp_path).issue(["api.example.com"]))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1
