"""What a server's certificate says, and what is wrong with it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

SOON: Final = timedelta(days=14)
"""What is left of a certificate when it is time to look. ACM renews 60 days before the end and
Let's Encrypt's clients 30, so one that has less left was not renewed. Source: ACM User Guide,
'Managed certificate renewal'."""


@dataclass(frozen=True)
class ServerCertificate:
    """A certificate."""

    names: tuple[str, ...]
    """DNS names it is for."""
    begins: datetime
    """When it becomes valid."""
    ends: datetime
    """When it expires."""
    issuer: str
    """Who signed it, as one line."""


def read(der: bytes) -> ServerCertificate:
    """Return what a DER certificate says.

    Raises:
        ValueError: It is none.
    """
    parsed = x509.load_der_x509_certificate(der)
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        listed = tuple(names.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        listed = ()
    return ServerCertificate(
        listed,
        parsed.not_valid_before_utc,
        parsed.not_valid_after_utc,
        parsed.issuer.rfc4514_string(),
    )


def covers(names: Iterable[str], hostname: str) -> bool:
    """Say whether a certificate is for a hostname; `*` stands for the first label and no other.

    Source: RFC 9525 section 6.3.
    """
    exact = hostname.lower().rstrip(".")
    parent = exact.partition(".")[2]
    return any(
        name.lower().rstrip(".") in ((exact, f"*.{parent}") if parent else (exact,))
        for name in names
    )


def fault(certificate: ServerCertificate, hostname: str, now: datetime) -> str:
    """Return why a client must refuse a certificate, apart from who signed it; empty: it must not.

    Args:
        certificate: The certificate.
        hostname: The name the client asked for.
        now: The time, in UTC.
    """
    if not covers(certificate.names, hostname):
        listed = ", ".join(certificate.names) or "nobody"
        return f"the certificate is for {listed}, not for {hostname}"
    if now > certificate.ends:
        return f"the certificate expired on {certificate.ends:%Y-%m-%d %H:%M} UTC"
    if now < certificate.begins:
        return f"the certificate is not valid before {certificate.begins:%Y-%m-%d %H:%M} UTC"
    return ""


def left(certificate: ServerCertificate, now: datetime) -> str:
    """Return how long a certificate is still valid, in whole days."""
    days = (certificate.ends - now).days
    return f"{days} day" if days == 1 else f"{days} days"
