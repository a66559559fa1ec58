"""The lab's certificate authority, and the certificates it issues.

Everything is in a folder, so all processes that have the folder trust and issue alike. Nothing
outside of the lab trusts it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import trustme
from filelock import FileLock

EXPIRED_SINCE: Final = timedelta(days=1)
"""How long ago an expired certificate ran out: longer than any clock is wrong."""

_EXPIRED_LIFE: Final = timedelta(days=90)

_LOCK_SECONDS: Final = 30.0


class Trust:
    """A certificate authority that lives in a folder.

    Attributes:
        ca: Its own certificate (PEM): what clients are to trust.
    """

    def __init__(self, folder: Path) -> None:
        """Take up the authority in a folder, or make one where there is none.

        Args:
            folder: Made if it is not there. Whoever may read it may pose as any name to those who
                trust the authority, so only its owner may.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ca = folder / "ca.pem"
        self._key = folder / "ca.key"
        self._issued = folder / "issued"
        self._lock = FileLock(folder / "lock", timeout=_LOCK_SECONDS)
        with self._lock:
            if self.ca.exists():
                self._authority = trustme.CA.from_pem(self.ca.read_bytes(), self._key.read_bytes())
            else:
                self._authority = trustme.CA()
                _write(self._key, self._authority.private_key_pem.bytes())
                _write(self.ca, self._authority.cert_pem.bytes())

    def issue(self, names: Iterable[str], *, expired: bool = False) -> tuple[Path, Path]:
        """Return the certificate of some names; the same files whenever the same ones are asked.

        Args:
            names: DNS names, wildcards (`*.example.com`) or literal addresses; order and
                repetitions don't matter.
            expired: Whether it is one that ran out yesterday.

        Returns:
            Its chain and its key (PEM).

        Raises:
            ValueError: There is no name.
        """
        ordered = sorted(set(names))
        if not ordered:
            raise ValueError("The certificate has no name; it needs one at least.")
        text = "\n".join([*ordered, "expired"] if expired else ordered)
        folder = self._issued / sha256(text.encode()).hexdigest()[:32]
        chain, key = folder / "chain.pem", folder / "key.pem"
        with self._lock:
            if not chain.exists():
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                end = datetime.now(UTC) - EXPIRED_SINCE if expired else None
                leaf = self._authority.issue_cert(
                    *ordered, not_before=end and end - _EXPIRED_LIFE, not_after=end
                )
                _write(key, leaf.private_key_pem.bytes())
                _write(chain, b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        return chain, key


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, so that it is there whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(content)
    unfinished.replace(path)
