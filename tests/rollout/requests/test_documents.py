"""What a user's own files ask for, and where they are wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rollout.faults import WrongUseError
from rollout.probe.model import HttpRequest
from rollout.requests import documents, har, openapi, requests_file
from rollout.requests.catalogue import Catalogue, CatalogueEntry, IgnoreRule, merge

OWN = (("User-Agent", "dualstack-verify"), ("Accept", "*/*"))
CURE = "Mend that place, or look at docs/verify.md for an example."
HOSTNAMES = ("api.example.com",)


def faults(refused: pytest.ExceptionInfo[WrongUseError]) -> list[str]:
    return [str(fault).removesuffix(f" {CURE}") for fault in refused.value.faults]


# ---- documents -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.yaml",
            "requests:\n  - path: [",
            (
                "a.yaml:2:12 is not YAML (expected the node content, but found '<stream end>'); "
                "the "
                "whole file should be YAML or JSON."
            ),
        ),
        (
            "a.json",
            '{"requests": [\n  {"path": "/",}]}',
            (
                "a.json:2:15 is not JSON (Illegal trailing comma before end of object); the "
                "whole file "
                "should be one JSON object."
            ),
        ),
        (
            "a.yaml",
            "a: \x00",
            (
                "a.yaml is not YAML (character 3 is not allowed); the whole file should be YAML or "
                "JSON."
            ),
        ),
    ],
)
def test_a_syntax_error_is_told_with_its_place(name: str, text: str, message: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        documents.parse(name, text)
    fault = faults(refused)[0].replace(
        # Python before 3.13 says it in other words.
        "2:16 is not JSON (Expecting property name enclosed in double quotes)",
        "2:15 is not JSON (Illegal trailing comma before end of object)",
    )
    assert fault == message


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="is not readable"):
        documents.load(str(tmp_path / "gone.yaml"))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(
    value=st.dictionaries(st.text(max_size=4), JSON_VALUES), indent=st.sampled_from([None, "\t"])
)
def test_json_is_read_as_json_whatever_its_spaces_are(value: Any, indent: str | None) -> None:
    text = json.dumps(value, indent=indent)
    assert documents.parse("a.json", text).value == value


@given(value=st.dictionaries(st.text("abc", min_size=1), st.integers(), min_size=1))
def test_every_key_has_the_place_where_it_stands(value: dict[str, int]) -> None:
    text = yaml.safe_dump(value)
    lines = text.splitlines()
    document = documents.parse("a.yaml", text)
    for key, held in value.items():
        _, line, column = document.place([key]).split(":")
        assert column == "1"
        assert yaml.safe_load(lines[int(line) - 1]) == {key: held}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        documents.parse("a.yaml", text)
    except WrongUseError as refused:
        message = str(refused)
    else:
        message = "a.yaml could be read"
    assert message.startswith("a.yaml")


# ---- requests files ------------------------------------------------------------------------------

REQUESTS = """\
ignore: [header:X-Request-Id]
requests:
  - path: /orders?limit=2
  - name: one order
    method: PUT
    path: /orders/7
    headers: {accept: application/json, X-Tag: [one, two]}
    body: {state: open}
    ignore: [json:/updated]
  - method: POST
    path: /orders
    body: as it is
"""


def own(text: str, *, unsafe: bool = False, name: str = "requests.yaml") -> Catalogue:
    return requests_file.read(documents.parse(name, text), unsafe=unsafe)


def test_requests_are_read_as_they_are_written() -> None:
    everywhere = IgnoreRule("header", "x-request-id")
    listed = CatalogueEntry(
        "GET /orders?limit=2", HttpRequest("GET", "/orders?limit=2", OWN), None, (everywhere,)
    )
    one = CatalogueEntry(
        "one order",
        HttpRequest(
            "PUT",
            "/orders/7",
            (
                OWN[0],
                ("accept", "application/json"),
                ("X-Tag", "one"),
                ("X-Tag", "two"),
                ("Content-Type", "application/json"),
            ),
            b'{"state": "open"}',
        ),
        None,
        (everywhere, IgnoreRule("json", "/updated")),
    )
    post = CatalogueEntry(
        "POST /orders", HttpRequest("POST", "/orders", OWN, b"as it is"), None, (everywhere,)
    )
    reason = "POST is not idempotent; --allow-unsafe sends it"
    assert own(REQUESTS) == Catalogue((listed, one), (("POST /orders", reason),))
    assert own(REQUESTS, unsafe=True) == Catalogue((listed, one, post))
    as_json = json.dumps(yaml.safe_load(REQUESTS))
    assert own(as_json, unsafe=True, name="requests.json") == Catalogue((listed, one, post))


WRONG = """\
ignore: [nonsense]
requests:
  - path: /a b
    headers: {Host: a, X-Count: 5, "X Y": a, X-Z: "a\\nb"}
  - method: get
    pth: /a
    ignore: [json:x]
"""


def test_all_that_is_wrong_in_a_file_is_told_with_its_place() -> None:
    with pytest.raises(WrongUseError) as refused:
        own(WRONG)
    rules = (
        "it should be header:NAME, json:/POINTER (RFC 6901, stands for all below it too) or body"
    )
    assert sorted(faults(refused)) == [
        f'requests.yaml:1:10 ignore[0] is "nonsense"; {rules}.',
        (
            'requests.yaml:3:5 requests[0].path is "/a b"; it should begin with / and be '
            "encoded, as "
            "it goes onto the wire: a space is %20."
        ),
        (
            'requests.yaml:4:15 requests[0].headers.Host is "Host"; it is added from the way and '
            "the "
            "body, and cannot be set."
        ),
        (
            "requests.yaml:4:24 requests[0].headers.X-Count is 5; it should be text or a list of "
            "texts; in YAML put a number into quotes."
        ),
        (
            'requests.yaml:4:36 requests[0].headers.X Y is "X Y"; it should be the name of a '
            "header, "
            "without a colon."
        ),
        (
            'requests.yaml:4:46 requests[0].headers.X-Z is "a\\nb"; it should be one line of text '
            "without spaces around it."
        ),
        (
            'requests.yaml:5:5 requests[1].method is "get"; it should be a method such as GET, in '
            "capitals; not CONNECT or TRACE."
        ),
        "requests.yaml:5:5 requests[1].path is not there; it has to be there.",
        'requests.yaml:6:5 requests[1].pth is "/a"; nothing by that name is known here.',
        f'requests.yaml:7:14 requests[1].ignore[0] is "json:x"; {rules}.',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "requests.yaml is null; it should be an object."),
        ("- 5", "requests.yaml:1:1 is [5]; it should be an object."),
        (
            "requests: []",
            "requests.yaml:1:1 requests is []; it should have at least one entry.",
        ),
    ],
)
def test_a_file_without_requests_is_wrong_use(text: str, message: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        own(text)
    assert faults(refused) == [message]


def test_requests_of_the_same_name_are_told_apart() -> None:
    twice = own("requests: [{path: /a}, {path: /a}]")
    assert [item.name for item in merge([twice, twice]).entries] == [
        "GET /a",
        "GET /a (2)",
        "GET /a (3)",
        "GET /a (4)",
    ]


# ---- OpenAPI -------------------------------------------------------------------------------------

OPENAPI = """\
openapi: 3.0.3
info: {title: Orders, version: "1"}
servers:
  - url: https://staging.example.net/staging
  - url: https://{name}.example.com/v1/
    variables: {name: {default: api}}
paths:
  /orders:
    parameters:
      - $ref: "#/components/parameters/Tenant"
    get:
      parameters:
        - {name: limit, in: query, required: true, schema: {type: integer, default: 2}}
        - name: tags
          in: query
          required: true
          schema: {type: array, items: {type: string, enum: [a b, c]}}
        - {name: offset, in: query, schema: {type: integer, default: 9}}
        - {name: session, in: cookie, required: true, schema: {type: string, example: abc}}
      responses: {200: {description: ok}}
    post:
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}
      responses: {201: {description: ok}}
  /orders/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
      responses: {200: {description: ok}}
    head:
      parameters:
        - {name: id, in: path, required: true, example: a/b, schema: {type: string}}
      responses: {200: {description: ok}}
  /broken:
    get:
      parameters: [{$ref: "#/components/parameters/None"}]
      responses: {200: {description: ok}}
  /elsewhere:
    get:
      parameters: [{$ref: "other.yaml#/None"}]
      responses: {200: {description: ok}}
components:
  parameters:
    Tenant:
      name: X-Tenant
      in: header
      required: true
      examples: {one: {value: acme}}
      schema: {type: string}
  schemas:
    Order:
      type: object
      example: {state: open, day: 2026-01-02}
      properties: {parent: {$ref: "#/components/schemas/Order"}}
"""


def described(text: str, *, unsafe: bool = False) -> Catalogue:
    return openapi.read(documents.parse("api.yaml", text), HOSTNAMES, unsafe=unsafe)


def test_operations_that_say_with_what_are_asked_and_the_others_listed() -> None:
    tenant = ("X-Tenant", "acme")
    get = CatalogueEntry(
        "GET /orders",
        HttpRequest(
            "GET", "/v1/orders?limit=2&tags=a%20b", (*OWN, tenant, ("Cookie", "session=abc"))
        ),
    )
    head = CatalogueEntry("HEAD /orders/{id}", HttpRequest("HEAD", "/v1/orders/a%2Fb", OWN))
    reasons = (
        (
            "GET /orders/{id}",
            "required path parameter id has no example, default or enumeration",
        ),
        ("GET /broken", "its reference #/components/parameters/None leads nowhere"),
        ("GET /elsewhere", "its reference other.yaml#/None is outside this file"),
    )
    unsafe = ("POST /orders", "POST may change something; --allow-unsafe sends it")
    assert described(OPENAPI) == Catalogue((get, head), (unsafe, *reasons))
    post = CatalogueEntry(
        "POST /orders",
        HttpRequest(
            "POST",
            "/v1/orders",
            (*OWN, tenant, ("Content-Type", "application/json")),
            b'{"state": "open", "day": "2026-01-02"}',
        ),
    )
    assert described(OPENAPI, unsafe=True) == Catalogue((get, post, head), reasons)


def operation(parameter: str) -> Catalogue:
    """Return what an operation with one parameter is asked as."""
    text = f"""\
openapi: 3.1.0
info: {{title: a, version: "1"}}
paths:
  /a/{{id}}:
    parameters: [{{name: id, in: path, required: true, schema: {{const: 7}}}}]
    get:
      parameters: [{parameter}]
      responses: {{"200": {{description: ok}}}}
"""
    return described(text)


@pytest.mark.parametrize(
    ("parameter", "target"),
    [
        ("{name: q, in: query, required: true, schema: {type: string, examples: [é]}}", "q=%C3%A9"),
        ("{name: q, in: query, required: true, schema: {type: boolean, enum: [true]}}", "q=true"),
        ("{name: q, in: query, required: true, example: [1, 2], schema: {}}", "q=1&q=2"),
        (
            "{name: q, in: query, required: true, explode: false, example: [1, 2], schema: {}}",
            "q=1,2",
        ),
    ],
)
def test_a_parameter_is_written_as_its_style_says(parameter: str, target: str) -> None:
    assert [item.request.target for item in operation(parameter).entries] == [f"/a/7?{target}"]


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        (
            "{name: q, in: query, required: true, style: deepObject, example: a, schema: {}}",
            "query parameter q is written in style deepObject",
        ),
        (
            "{name: q, in: query, required: true, example: {a: 1}, schema: {}}",
            "the example of query parameter q is no plain value or list of them",
        ),
        (
            "{name: q, in: query, required: true, content: {application/json: {example: 1}}}",
            "query parameter q is written as a document",
        ),
        (
            '{name: q, in: header, required: true, example: "a\\nb", schema: {}}',
            "header q cannot have the value that is given for it",
        ),
    ],
)
def test_what_cannot_be_written_is_not_asked(parameter: str, reason: str) -> None:
    assert operation(parameter) == Catalogue((), (("GET /a/{id}", reason),))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "in: query, schema",
            "in: nowhere, schema",
            (
                'api.yaml:18:26 paths./orders.get.parameters[2].in is "nowhere"; it should be '
                "'query', 'header', 'path' or 'cookie'."
            ),
        ),
        (
            "openapi: 3.0.3",
            "openapi: '4.0'",
            (
                "api.yaml:1:1 openapi is '4.0' in `openapi`; it should be one of version 3.0 or "
                "3.1, "
                "which says so in `openapi`. Convert it, or list the requests in a file for "
                "--requests."
            ),
        ),
        (
            "openapi: 3.0.3",
            "swagger: 2.0",
            (
                "api.yaml:1:1 openapi is not an OpenAPI document; it should be one of version "
                "3.0 or "
                "3.1, which says so in `openapi`. Convert it, or list the requests in a file for "
                "--requests."
            ),
        ),
    ],
)
def test_what_is_no_openapi_document_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        described(OPENAPI.replace(old, new))
    assert faults(refused) == [message]


# ---- HAR -----------------------------------------------------------------------------------------


def recorded(*requests: dict[str, Any], unsafe: bool = False) -> Catalogue:
    entries: list[Any] = [
        {"request": {"method": "GET", "url": "https://api.example.com/", "headers": [], **request}}
        for request in requests
    ]
    text = json.dumps({"log": {"version": "1.2", "entries": entries}})
    return har.read(documents.parse("a.har", text), HOSTNAMES, unsafe=unsafe)


def headers(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def test_a_recorded_request_is_sent_once_as_it_was_but_for_its_connection() -> None:
    request: dict[str, Any] = {
        "url": "https://API.example.com/a%20b?token=x&b#there",
        "headers": headers(
            (":authority", "api.example.com"),
            ("Host", "api.example.com"),
            ("Cookie", "session=abc"),
            ("Connection", "keep-alive"),
            ("accept", "*/*"),
        ),
    }
    entry = CatalogueEntry(
        "GET /a%20b?token=…&b=…",
        HttpRequest("GET", "/a%20b?token=x&b", (("Cookie", "session=abc"), ("accept", "*/*"))),
        "api.example.com",
        recorded=True,
    )
    assert recorded(request, request, {"url": "https://ads.example.net/"}) == Catalogue((entry,))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"method": "POST"}, "POST may change something; --allow-unsafe sends it"),
        ({"method": "DELETE"}, "DELETE may change something; --allow-unsafe sends it"),
        (
            {"url": "http://api.example.com/"},
            "it was recorded over http, and HTTPS is what is compared",
        ),
        (
            {"headers": headers(("Upgrade", "websocket"))},
            "it asks for another protocol, which has no answer to compare",
        ),
        (
            {"url": "https://api.example.com/a b"},
            "its path is not encoded as it would go onto the wire",
        ),
    ],
)
def test_a_recorded_request_is_not_sent(request_: dict[str, Any], reason: str) -> None:
    catalogue = recorded(request_)
    assert (catalogue.entries, [why for _, why in catalogue.left_out]) == ((), [reason])


def test_a_recorded_form_is_sent_where_that_is_allowed() -> None:
    form = {"mimeType": "a", "params": headers(("a b", "c"))}
    catalogue = recorded({"method": "POST", "postData": form}, unsafe=True)
    assert [item.request.body for item in catalogue.entries] == [b"a+b=c"]


def test_a_recording_of_others_is_wrong_use() -> None:
    with pytest.raises(WrongUseError) as refused:
        recorded({"url": "https://ads.example.net/"}, {"url": "https://[broken/"})
    assert faults(refused) == [
        (
            "a.har:1:28 log.entries is a recording of 2 requests, none to our hostnames; it should "
            "hold requests to api.example.com. Record a session with the API."
        )
    ]


def test_what_is_no_recording_is_refused_with_the_places() -> None:
    with pytest.raises(WrongUseError) as refused:
        har.read(
            documents.parse("a.har", '{"log": {"entries": [\n\t{"request": {"method": 5}}]}}'),
            HOSTNAMES,
            unsafe=False,
        )
    assert faults(refused) == [
        (
            "a.har:2:15 log.entries[0].request.method is 5; it should be text; in YAML put it into "
            "quotes."
        ),
        "a.har:2:3 log.entries[0].request.url is not there; it has to be there.",
        "a.har:2:3 log.entries[0].request.headers is not there; it has to be there.",
    ]
