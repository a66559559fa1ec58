"""A certificate is refused for the reasons for which a client would."""

from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe import certificate
from rollout.probe.certificate import ServerCertificate

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("names", "hostname", "covered"),
    [
        (["api.example.com"], "api.example.com", True),
        (["API.Example.com"], "api.example.COM.", True),
        (["*.example.com"], "api.example.com", True),
        (["*.example.com"], "a.api.example.com", False),
        (["*.example.com"], "example.com", False),
        (["*"], "com", False),
        (["a*.example.com"], "api.example.com", False),
        (["other.example.com", "api.example.com"], "api.example.com", True),
        ([], "api.example.com", False),
    ],
)
def test_a_wildcard_stands_for_one_label(names: list[str], hostname: str, covered: bool) -> None:
    assert certificate.covers(names, hostname) is covered


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){1,3}", fullmatch=True))
def test_every_name_covers_itself_and_its_parents_wildcard_does(name: str) -> None:
    assert certificate.covers([name], name)
    assert certificate.covers([f"*.{name.partition('.')[2]}"], name)
    assert not certificate.covers([f"x{name}"], name)


def made(**changed: timedelta) -> ServerCertificate:
    begins = NOW - changed.get("since", timedelta(days=1))
    return ServerCertificate(
        ("api.example.com",), begins, NOW + changed.get("left", timedelta(days=90)), "CN=CA"
    )


@pytest.mark.parametrize(
    ("own", "hostname", "fault"),
    [
        (made(), "api.example.com", ""),
        (
            made(),
            "www.example.com",
            "the certificate is for api.example.com, not for www.example.com",
        ),
        (
            made(left=timedelta(hours=-1)),
            "api.example.com",
            "the certificate expired on 2026-04-30 23:00 UTC",
        ),
        (
            made(since=timedelta(hours=-1)),
            "api.example.com",
            "the certificate is not valid before 2026-05-01 01:00 UTC",
        ),
    ],
)
def test_a_fault_is_told_in_words(own: ServerCertificate, hostname: str, fault: str) -> None:
    assert certificate.fault(own, hostname, NOW) == fault


def test_a_certificate_is_read_from_der() -> None:
    ends = datetime(2035, 1, 1, tzinfo=UTC)
    leaf = trustme.CA(organization_name="Lab").issue_cert(
        "api.example.com", "*.example.net", not_after=ends
    )
    pem = leaf.cert_chain_pems[0].bytes()
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    read = certificate.read(der)
    assert (read.names, read.ends) == (("api.example.com", "*.example.net"), ends)
    assert "O=Lab" in read.issuer


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="parsing"):
        certificate.read(b"no certificate")
