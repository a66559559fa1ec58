"""Conditional requests and preflights of CORS: what a cache or an edge may answer itself."""

from typing import Final

from rollout.requests.kind_group import KindGroup
from rollout.requests.request_kinds import RequestKind, answer_header

_TAG: Final = '"version-1"'
_MOMENT: Final = "Wed, 21 Oct 2015 07:28:00 GMT"
_MARKS: Final = (answer_header("ETag", _TAG), answer_header("Last-Modified", _MOMENT))
_BODY: Final = b"new state"
_BYTES: Final = ("Content-Type", "application/octet-stream")

CONDITIONS: Final = KindGroup(
    "conditions",
    (
        *(
            RequestKind(
                f"condition-{number}-{method.lower()}-{name.lower()}-{status}",
                method,
                directives=(("status", str(status)), *_MARKS),
                headers=((name, value),),
                status=status,
            )
            for number, (method, name, value, status) in enumerate(
                (
                    ("GET", "If-None-Match", _TAG, 304),
                    ("GET", "If-None-Match", f"W/{_TAG}, {_TAG}", 200),
                    ("GET", "If-None-Match", "*", 304),
                    ("HEAD", "If-None-Match", _TAG, 304),
                    ("GET", "If-Modified-Since", _MOMENT, 304),
                    ("GET", "If-Modified-Since", _MOMENT, 200),
                    ("GET", "If-Match", '"version-0"', 412),
                    ("GET", "If-Unmodified-Since", _MOMENT, 412),
                    ("DELETE", "If-Match", "*", 200),
                ),
                start=1,
            )
        ),
        *(
            RequestKind(
                f"condition-put-{name.lower()}-{status}",
                "PUT",
                directives=(("status", str(status)), *_MARKS),
                headers=(_BYTES, (name, value)),
                body=_BODY,
                status=status,
            )
            for name, value, status in (
                ("If-Match", _TAG, 200),
                ("If-Match", f'"version-0", {_TAG}', 412),
                ("If-None-Match", "*", 412),
                ("If-None-Match", "*", 201),
                ("If-Unmodified-Since", _MOMENT, 200),
            )
        ),
        *(
            RequestKind(
                f"condition-if-range-{number}",
                directives=(("size", "1000"), ("range", "on")),
                headers=(("Range", "bytes=10-19"), ("If-Range", value)),
                status=status,
            )
            for number, (value, status) in enumerate(
                (('"1000"', 206), ('"999"', 200), (_MOMENT, 200)), start=1
            )
        ),
    ),
    "conditional requests that hold and that do not",
)

_ORIGIN: Final = ("Origin", "https://app.example.com")


def _preflight(
    name: str, *headers: tuple[str, str], answers: tuple[tuple[str, str], ...]
) -> RequestKind:
    return RequestKind(
        f"preflight-{name}",
        "OPTIONS",
        directives=(("status", "204"), *(answer_header(*each) for each in answers)),
        headers=(_ORIGIN, *headers),
        status=204,
    )


PREFLIGHTS: Final = KindGroup(
    "cors-preflights",
    (
        _preflight(
            "plain",
            ("Access-Control-Request-Method", "PUT"),
            ("Access-Control-Request-Headers", "authorization,content-type,x-api-key"),
            answers=(
                ("Access-Control-Allow-Origin", "https://app.example.com"),
                ("Access-Control-Allow-Methods", "GET, PUT, PATCH, DELETE"),
                ("Access-Control-Allow-Headers", "authorization,content-type,x-api-key"),
                ("Access-Control-Max-Age", "600"),
                ("Vary", "Origin"),
            ),
        ),
        _preflight(
            "credentials",
            ("Access-Control-Request-Method", "DELETE"),
            answers=(
                ("Access-Control-Allow-Origin", "https://app.example.com"),
                ("Access-Control-Allow-Credentials", "true"),
                ("Access-Control-Allow-Methods", "DELETE"),
            ),
        ),
        _preflight(
            "private-network",
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Private-Network", "true"),
            answers=(
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Allow-Private-Network", "true"),
            ),
        ),
        RequestKind(
            "preflight-refused",
            "OPTIONS",
            directives=(("status", "403"),),
            headers=(("Origin", "null"), ("Access-Control-Request-Method", "POST")),
            status=403,
        ),
        RequestKind(
            "cors-answer",
            directives=(
                answer_header("Access-Control-Allow-Origin", "https://app.example.com"),
                answer_header("Access-Control-Expose-Headers", "X-Request-Cost, ETag"),
                answer_header("Timing-Allow-Origin", "*"),
                answer_header("Vary", "Origin, Accept-Encoding"),
            ),
            headers=(_ORIGIN, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors")),
        ),
        RequestKind(
            "cors-other-origin",
            directives=(answer_header("Access-Control-Allow-Origin", "https://other.example.com"),),
            headers=(("Origin", "https://other.example.com"),),
        ),
    ),
    "preflights and answers of CORS",
)
