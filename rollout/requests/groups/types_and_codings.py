"""Content types and codings that proxies treat specially, and header names with odd characters."""

from typing import Final

from rollout.requests.kind_group import KindGroup
from rollout.requests.request_kinds import (
    INTERVAL_SECONDS,
    LARGE_BODY,
    PIECES,
    RequestKind,
    answer_header,
)

_EVERY_CODING: Final = ("Accept-Encoding", "gzip, deflate, br, zstd")

COMPRESSIBLE_BYTES: Final = 4_000
"""Above the 1,000 bytes from which CloudFront compresses, and the 20 of nginx. Source: CloudFront
Developer Guide, Serve compressed files; nginx, gzip_min_length."""

TYPES: Final = (
    *("application/json", "application/problem+json", "application/x-ndjson"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
    *("application/grpc", "application/grpc-web+proto", "application/x-protobuf"),
    *("application/xml", "application/soap+xml; charset=utf-8", "application/octet-stream"),
    *("application/pdf", "application/zip", "application/wasm", "application/javascript"),
    *("text/plain; charset=iso-8859-1", "text/html; charset=utf-8", "text/css", "text/csv"),
    *("text/event-stream", "multipart/mixed; boundary=x"),
    *("image/png", "image/jpeg", "image/svg+xml", "image/webp", "image/avif"),
    *("audio/mpeg", "video/mp4", "font/woff2", "x-unknown/x-unknown"),
)
"""Types that proxies compress, convert, buffer, inspect or stream, and some that nobody knows."""

STREAMED_TYPES: Final = (
    *("text/event-stream", "application/x-ndjson", "application/grpc"),
    *("multipart/x-mixed-replace; boundary=x", "video/mp4"),
)
"""Types of answers that come in pieces over time."""

CODINGS: Final = ("gzip", "br", "zstd", "deflate", "compress", "identity", "aes128gcm", "gzip, br")
"""Registered content codings, and two on top of each other. The bytes under them are none: nobody
between client and API may look at them. Source: IANA, HTTP Content Coding Registry."""

ACCEPTED: Final = (
    "",
    "*",
    "identity;q=0",
    "br;q=1.0, gzip;q=0.5, *;q=0",
    "dcb, dcz, zstd",
    "x-own",
)
"""What clients accept besides: all, none but, in order, and what nobody knows."""

TYPES_AND_CODINGS: Final = KindGroup(
    "types-and-codings",
    (
        *(
            RequestKind(
                f"type {kind}",
                "PUT",
                directives=(("size", str(COMPRESSIBLE_BYTES)), answer_header("Content-Type", kind)),
                headers=(("Content-Type", kind), _EVERY_CODING),
                body=b"--x\r\n\r\na=1&b=%20\r\n--x--\r\n",
            )
            for kind in TYPES
        ),
        *(
            RequestKind(
                f"coding {coding}",
                "PUT",
                directives=(("size", "2000"), answer_header("Content-Encoding", coding)),
                headers=(
                    ("Content-Type", "application/json"),
                    ("Content-Encoding", coding),
                    ("Accept-Encoding", coding),
                ),
                body=bytes(range(100)),
            )
            for coding in CODINGS
        ),
        RequestKind(
            "part-of-a-body",
            "PUT",
            headers=(
                ("Content-Type", "application/octet-stream"),
                ("Content-Range", "bytes 10-19/100"),
            ),
            body=bytes(10),
        ),
        *(
            RequestKind(
                f"accept-encoding {accepted or 'nothing'}",
                directives=(
                    ("size", str(COMPRESSIBLE_BYTES)),
                    answer_header("Content-Type", "text/html"),
                ),
                headers=(("Accept-Encoding", accepted),),
            )
            for accepted in ACCEPTED
        ),
    ),
    f"{len(TYPES)} content types and {len(CODINGS)} codings, sent and answered",
)

STREAMED: Final = KindGroup(
    "streaming-types",
    tuple(
        RequestKind(
            f"streaming {kind}",
            directives=(
                ("size", "50"),
                ("chunks", str(PIECES)),
                ("interval", f"{INTERVAL_SECONDS:g}"),
                answer_header("Content-Type", kind),
            ),
            headers=(("Accept", kind), _EVERY_CODING),
            streams=True,
        )
        for kind in STREAMED_TYPES
    ),
    f"answers of {len(STREAMED_TYPES)} types arrive as they are sent",
)

ODD_CHARACTERS: Final = "!#$%&'*+.^_`|~"
"""What a header's name may hold besides letters, digits and `-`. Source: RFC 9110, 5.6.2."""

NAMES: Final = (
    *(f"X{character}Odd{character}Name" for character in ODD_CHARACTERS),
    *("_leading", "trailing_", "all_under_scores", "-", "0", "X--Y", "x-" + "long" * 15),
)
"""Names with each of these characters, at their ends and inside. nginx drops names with an
underscore or anything else than letters, digits and `-` without a word (underscores_in_headers,
ignore_invalid_headers)."""

ODD_NAMES: Final = KindGroup(
    "headers-odd-names",
    tuple(
        RequestKind(
            f"header {name}",
            directives=(answer_header(name, "answered"),),
            headers=((name, "sent"),),
        )
        for name in NAMES
    ),
    f"{len(NAMES)} names with every character that is allowed",
)

BOUNDARIES: Final = tuple(
    size + more for size in (4_096, 8_192, 16_384, 32_768, 65_536) for more in (-1, 0, 1)
)
"""Sizes around the buffers that proxies have, and TLS's records (16 KiB) and HTTP/2's windows."""

BUFFERS: Final = KindGroup(
    "body-boundaries",
    tuple(
        RequestKind(
            f"body of {size} bytes",
            "PUT",
            directives=(("size", str(size)),),
            headers=(("Content-Type", "application/octet-stream"),),
            body=LARGE_BODY[:size],
        )
        for size in BOUNDARIES
    ),
    f"bodies and answers of {BOUNDARIES[0]} to {BOUNDARIES[-1]} bytes, around each usual buffer",
)
