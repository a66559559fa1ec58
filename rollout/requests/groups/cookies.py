"""Cookies: every attribute of Set-Cookie, and what clients send.

Source: RFC 6265bis, 4.1; Partitioned: draft-cutler-httpbis-partitioned-cookies; Priority:
draft-west-cookie-priority.
"""

from typing import Final

from rollout.requests.kind_group import KindGroup
from rollout.requests.request_kinds import RequestKind, answer_header

SET: Final = (
    "a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
    "b=2; expires=Wednesday, 21-Oct-99 07:28:00 GMT",
    "c=3; Expires=Wed Oct 21 07:28:00 2099",
    "d=4; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "e=5; Max-Age=3600",
    "f=6; Max-Age=-1",
    "g=7; Domain={hostname}",
    "h=8; Domain=.{hostname}; Path=/",
    "i=9; Path=/api/v1",
    "j=10; Secure",
    "k=11; HttpOnly",
    "l=12; SameSite=Strict",
    "m=13; SameSite=Lax",
    "n=14; Secure; SameSite=None",
    "__Host-o=15; Secure; Path=/; SameSite=None; Partitioned",
    "__Secure-p=16; Secure; Priority=High",
    "q=17; Path=/; Domain={hostname}; Max-Age=60; HttpOnly; Secure; SameSite=Lax; Unknown=1",
    'r="quoted value"; path=/; secure; httponly',
    "s=; Path=/",
    "t=a=b==; Path=/",
    "u=%20%3B%2C; Path=/",
    "nameless",
    "w=1; Path=/one",
    "w=2; Path=/two",
)
"""Values of Set-Cookie: each attribute, dates with commas in all three forms, one name twice."""

LONG: Final = "long=" + "0123456789abcdef" * 250 + "; Path=/"
"""4 KB: the least that a client has to keep (RFC 6265bis, 6.1)."""

SENT: Final = (
    'a=1; b=two words; c="quoted"; d=; e=x=y==; f=%3B; g={json:1}; h; =nameless; i=1; i=2',
    "__Host-session=abc; __Secure-id=def; $Version=1; utf8=\xc3\xa9",
    "sp=1;nosp=2;  wide=3;",
)
"""Values of Cookie, as clients send them."""

GROUP: Final = KindGroup(
    "cookies-attributes",
    (
        RequestKind(
            "cookies-set", directives=tuple(answer_header("Set-Cookie", each) for each in SET)
        ),
        RequestKind("cookies-set-long", directives=(answer_header("Set-Cookie", LONG),)),
        RequestKind(
            "cookies-set-on-redirect",
            directives=(
                ("status", "303"),
                answer_header("Location", "/signed-in"),
                answer_header("Set-Cookie", SET[0]),
                answer_header("Set-Cookie", SET[14]),
            ),
            status=303,
        ),
        RequestKind(
            "cookies-set-on-error",
            directives=(("status", "401"), answer_header("Set-Cookie", SET[3])),
            status=401,
        ),
        *(
            RequestKind(f"cookies-sent-{number + 1}", headers=(("Cookie", each),))
            for number, each in enumerate(SENT)
        ),
        RequestKind(
            "cookies-many",
            headers=(("Cookie", "; ".join(f"many{n}=value-{n}" for n in range(150))),),
        ),
    ),
    "every attribute of cookies, with several cookies in one answer",
)
