"""What a user's own files ask for, and where they are wrong."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

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
                "a.yaml:3:1 is not YAML (did not find expected node content); the whole file "
                "should be YAML or JSON."
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
        (
            "GET /broken",
            "its reference #/components/parameters/None leads nowhere (api.yaml:37:21)",
        ),
        ("GET /elsewhere", "its reference other.yaml#/None is outside this file (api.yaml:41:21)"),
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
            "paths:\n",
            "paths: [5]\nx-paths:\n",
            ("api.yaml:7:1 paths is [5]; it should be an object of paths."),
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


BROKEN = """\
openapi: 3.0.3
info: {title: a, version: "1"}
paths:
  /sound: {get: {responses: {200: {description: ok}}}}
  /broken: %s
components:
  parameters:
    Bad: {name: q, in: nowhere, required: true, example: 1}
    Loop: {$ref: "#/components/parameters/Loop"}
    Endless: {name: q, in: query, required: true, schema: {$ref: "#/components/schemas/Endless"}}
    Examples: {name: q, in: query, required: true, schema: {enum: 5}}
  schemas:
    Endless: {type: array, items: {$ref: "#/components/schemas/Endless"}}
  requestBodies:
    Bad: {required: true, content: 5}
"""
OK = "responses: {200: {description: ok}}"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("5", "api.yaml:5:3 paths./broken is 5; it should be an object"),
        ("{get: text}", 'api.yaml:5:13 paths./broken.get is "text"; it should be an object'),
        (
            f"{{get: {{parameters: 5, {OK}}}}}",
            "api.yaml:5:19 paths./broken.get.parameters is 5; it should be a list",
        ),
        (
            f"{{parameters: 5, get: {{{OK}}}}}",
            "api.yaml:5:13 paths./broken.parameters is 5; it should be a list",
        ),
        (
            f"{{get: {{parameters: [{{name: q, in: nowhere}}], {OK}}}}}",
            "api.yaml:5:42 paths./broken.get.parameters[0].in is \"nowhere\"; it should be 'query'",
        ),
        (
            f"{{parameters: [{{$ref: '#/components/parameters/Bad'}}], get: {{{OK}}}}}",
            "api.yaml:8:20 components.parameters.Bad.in is \"nowhere\"; it should be 'query'",
        ),
        (
            f"{{get: {{parameters: [{{$ref: '#/components/parameters/Gone'}}], {OK}}}}}",
            "its reference #/components/parameters/Gone leads nowhere",
        ),
        (
            f"{{get: {{parameters: [{{$ref: 5}}], {OK}}}}}",
            "api.yaml:5:33 paths./broken.get.parameters[0].$ref is 5; it should be text",
        ),
        (
            f"{{get: {{parameters: [{{$ref: '#/components/parameters/Loop'}}], {OK}}}}}",
            "its references lead in a circle",
        ),
        (
            f"{{get: {{parameters: [{{$ref: '#/components/parameters/Endless'}}], {OK}}}}}",
            "its references lead in a circle",
        ),
        (
            f"{{get: {{parameters: [{{name: q, in: query, examples: {{one: 5}}}}], {OK}}}}}",
            "api.yaml:5:64 paths./broken.get.parameters[0].examples.one is 5; it should be",
        ),
        (
            f"{{get: {{requestBody: {{$ref: '#/components/requestBodies/Bad'}}, {OK}}}}}",
            "api.yaml:15:27 components.requestBodies.Bad.content is 5; it should be an object",
        ),
        (
            f"{{servers: [{{url: 'https://[a'}}], get: {{{OK}}}}}",
            'its server "https://[a" is no URL',
        ),
        (
            f"{{servers: [{{}}], get: {{{OK}}}}}",
            "api.yaml:5:23 paths./broken.servers[0].url is not there; it has to be there",
        ),
        (
            "{$ref: 'other.yaml#/paths/~1a'}",
            "its reference other.yaml#/paths/~1a is outside this file (api.yaml:5:13)",
        ),
        ("{$ref: '#/paths/~1gone'}", "its reference #/paths/~1gone leads nowhere (api.yaml:5:13)"),
        ("{$ref: '#/paths/~1broken'}", "its references lead in a circle"),
        ("{$ref: '#/info/title'}", 'api.yaml:2:8 info.title is "a"; it should be an object'),
        (
            "{$ref: '#/paths/~1sound', get: {}}",
            "api.yaml:5:38 paths./broken.get is there beside $ref; summary and description may be",
        ),
    ],
)
def test_an_operation_that_is_broken_is_refused_alone_with_its_place(
    item: str, reason: str
) -> None:
    catalogue = described(BROKEN % item)
    assert [entry.name for entry in catalogue.entries] == ["GET /sound"]
    assert [name for name, _ in catalogue.left_out] == ["GET /broken"]
    assert catalogue.left_out[0][1].startswith(reason)


ITEMS = """\
openapi: 3.1.0
info: {title: a, version: "1"}
paths:
  /orders: {$ref: "#/components/pathItems/Orders", summary: as there}
  /all/orders: {$ref: "#/paths/~1orders"}
  /orders/{id}: {$ref: "#/components/pathItems/Order"}
components:
  pathItems:
    Orders:
      get: {responses: {200: {description: ok}}}
      head: {responses: {200: {description: ok}}}
    Order:
      parameters: [{name: id, in: path, required: true, schema: {type: string, example: a b}}]
      get: {responses: {200: {description: ok}}}
      delete: {responses: {200: {description: ok}}}
"""


def test_references_to_the_items_of_paths_are_followed() -> None:
    catalogue = described(ITEMS)
    assert [(entry.name, entry.request.target) for entry in catalogue.entries] == [
        ("GET /orders", "/orders"),
        ("HEAD /orders", "/orders"),
        ("GET /all/orders", "/all/orders"),
        ("HEAD /all/orders", "/all/orders"),
        ("GET /orders/{id}", "/orders/a%20b"),
    ]
    assert [name for name, _ in catalogue.left_out] == ["DELETE /orders/{id}"]


def test_a_schema_with_something_else_than_a_list_of_values_refuses_its_operation() -> None:
    item = f"{{get: {{parameters: [{{$ref: '#/components/parameters/Examples'}}], {OK}}}}}"
    (name, reason), *others = described(BROKEN % item).left_out
    assert (name, others) == ("GET /broken", [])
    assert "components.parameters.Examples" in reason
    assert "enum" in reason


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
        recorded({"url": "https://ads.example.net/"}, {"url": "data:text/plain,a"})
    assert faults(refused) == [
        (
            "a.har:1:28 log.entries is a recording of 2 requests, none to our hostnames; it should "
            "hold requests to api.example.com. Record a session with the API."
        )
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "a.har:1:1 is []; it should be an object."),
        ('{"log":\n 5}', "a.har:1:2 log is 5; it should be an object."),
        ('{"log": {"entries": {}}}', "a.har:1:10 log.entries is {}; it should be a list."),
        ('{"log": {}}', "a.har:1:2 log.entries is not there; it has to be there."),
    ],
)
def test_what_is_no_recording_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        har.read(documents.parse("a.har", text), HOSTNAMES, unsafe=False)
    assert faults(refused) == [message]


OURS = "https://api.example.com/a?token=hush"
SOUND_ENTRY: dict[str, Any] = {"request": {"method": "GET", "url": OURS, "headers": []}}


def beside_a_sound_one(entry: Any, *, unsafe: bool = False) -> Catalogue:
    text = json.dumps({"log": {"entries": [SOUND_ENTRY, entry]}}, indent=1)
    return har.read(documents.parse("a.har", text), HOSTNAMES, unsafe=unsafe)


def of(**members: Any) -> dict[str, Any]:
    return {"request": {"method": "POST", "url": OURS, "headers": [], **members}}


def without(member: str) -> dict[str, Any]:
    entry = of()
    del entry["request"][member]
    return entry


AT = "log.entries[1]"
POST_NAME = "POST /a?token=…"


@pytest.mark.parametrize(
    ("entry", "name", "reason"),
    [
        (5, AT, f"a.har:11:4 {AT} is a number; it should be an object"),
        ({}, AT, f"a.har:11:4 {AT}.request is not there; it has to be there"),
        ({"request": []}, AT, f"a.har:12:5 {AT}.request is a list; it should be an object"),
        (without("url"), AT, f"a.har:12:5 {AT}.request.url is not there; it has to be there"),
        (of(url=None), AT, f"a.har:14:6 {AT}.request.url is null; it should be text"),
        *(
            (of(url=url), AT, f"a.har:14:6 {AT}.request.url is no URL; it should be a URL with a")
            for url in (
                "",
                "/a",
                "https://[api.example.com/",
                "https://api.example.com:x/",
                "https:///a",
            )
        ),
        (
            of(method=5),
            "? /a?token=…",
            f"a.har:13:6 {AT}.request.method is a number; it should be text",
        ),
        (
            of(method="G T"),
            "? /a?token=…",
            f"a.har:13:6 {AT}.request.method is no method; it should be one such as GET",
        ),
        (
            without("headers"),
            POST_NAME,
            f"a.har:12:5 {AT}.request.headers is not there; it has to be there",
        ),
        (
            of(headers=[5]),
            POST_NAME,
            f"a.har:16:7 {AT}.request.headers[0] is a number; it should be an object",
        ),
        (
            of(headers=headers(("X Y", "hush"))),
            POST_NAME,
            f"a.har:17:8 {AT}.request.headers[0].name is no name of a header; it should be one",
        ),
        *(
            (
                of(headers=headers(("X-Y", value))),
                POST_NAME,
                f"a.har:18:8 {AT}.request.headers[0].value is no value of a header; it should be",
            )
            for value in ("hush\r\nX-Z: hush", "hush\u20ac", "hush\ud800")
        ),
        (
            of(postData=5),
            POST_NAME,
            f"a.har:16:6 {AT}.request.postData is a number; it should be an object",
        ),
        (
            of(postData={"text": "hush!", "encoding": "base64"}),
            POST_NAME,
            f"a.har:17:7 {AT}.request.postData.text is no base64; its encoding says that it is",
        ),
        (
            of(postData={"text": "hush", "encoding": "base91"}),
            POST_NAME,
            f"a.har:18:7 {AT}.request.postData.encoding is another encoding; it should be base64",
        ),
        (
            of(postData={"text": "hush\ud800"}),
            POST_NAME,
            f"a.har:17:7 {AT}.request.postData.text is text with half a character; none may be",
        ),
        (
            of(bodySize=9),
            POST_NAME,
            f"a.har:16:6 {AT}.request.bodySize is a body of 9 bytes that was not recorded",
        ),
        (
            of(url="https://api.example.com:8443/a"),
            "POST /a",
            "it was recorded on port 8443, and 443 is compared",
        ),
    ],
)
def test_an_entry_that_is_broken_is_refused_alone_with_its_place_and_without_its_values(
    entry: Any, name: str, reason: str
) -> None:
    catalogue = beside_a_sound_one(entry, unsafe=True)
    assert [item.name for item in catalogue.entries] == ["GET /a?token=…"]
    assert [each for each, _ in catalogue.left_out] == [name]
    assert catalogue.left_out[0][1].startswith(reason)
    assert "hush" not in repr(catalogue.left_out)


@pytest.mark.parametrize(
    "members",
    [
        {"method": 5, "headers": 5},
        {"headers": headers(("X Y", "a\nb")), "postData": []},
        {"postData": {"text": "!", "encoding": "base64"}},
    ],
)
def test_what_is_wrong_with_requests_to_other_hosts_does_not_matter(
    members: dict[str, Any],
) -> None:
    catalogue = beside_a_sound_one(of(url="https://ads.example.net/", **members))
    assert ([item.name for item in catalogue.entries], catalogue.left_out) == (
        ["GET /a?token=…"],
        (),
    )


def test_a_recorded_body_in_base64_is_sent_as_the_bytes_it_was() -> None:
    body = {"text": "AP/+\n", "encoding": "base64"}
    catalogue = beside_a_sound_one(of(postData=body), unsafe=True)
    assert [item.request.body for item in catalogue.entries] == [None, b"\x00\xff\xfe"]


# ---- large files ---------------------------------------------------------------------------------


def entries_of(number: int) -> Iterator[dict[str, Any]]:
    """Yield entries of which every tenth is ours and every hundredth broken."""
    for index in range(number):
        ours = index % 10 == 0
        url = f"https://{'api.example.com' if ours else 'cdn.example.net'}/{index}"
        sent = headers(("X Y", "a")) if index % 100 == 0 else headers(("X-Y", "a"))
        response = {"status": 200, "content": {"text": "x" * 1000}}
        yield {"request": {"method": "GET", "url": url, "headers": sent}, "response": response}


def operations_of(number: int) -> Iterator[tuple[str, Any]]:
    """Yield operations of which every hundredth is broken."""
    for index in range(number):
        parameters: Any = 5 if index % 100 == 0 else [{"$ref": "#/components/parameters/Page"}]
        described_answer = {"description": "d" * 300}
        yield (
            f"/{index}",
            {"get": {"parameters": parameters, "responses": {"200": described_answer}}},
        )


def cpu_seconds(work: Callable[[], Catalogue]) -> tuple[float, Catalogue]:
    began = time.process_time()
    catalogue = work()
    return time.process_time() - began, catalogue


def recording(folder: Path, entries: int) -> Path:
    file = folder / f"{entries}.har"
    file.write_text(json.dumps({"log": {"entries": list(entries_of(entries))}}, indent=1))
    return file


def description(folder: Path, operations: int) -> Path:
    page = {"name": "page", "in": "query", "required": True, "schema": {"default": 1}}
    value = {
        "openapi": "3.0.3",
        "info": {"title": "a", "version": "1"},
        "paths": dict(operations_of(operations)),
        "components": {"parameters": {"Page": page}},
    }
    file = folder / f"{operations}.json"
    file.write_text(json.dumps(value))
    return file


@pytest.mark.parametrize(
    ("make", "read", "entries", "counts"),
    [
        pytest.param(recording, har.read, 7_000, (630, 70), id="a recording"),
        pytest.param(description, openapi.read, 19_100, (18_909, 191), id="a description"),
    ],
)
def test_8_mb_with_broken_entries_cost_ten_times_a_tenth_of_them(
    tmp_path: Path,
    make: Callable[[Path, int], Path],
    read: Callable[..., Catalogue],
    entries: int,
    counts: tuple[int, int],
) -> None:
    small, large = make(tmp_path, entries // 10), make(tmp_path, entries)
    assert large.stat().st_size > 8_000_000
    tenth, _ = cpu_seconds(lambda: read(documents.load(str(small)), HOSTNAMES, unsafe=False))
    whole, catalogue = cpu_seconds(
        lambda: read(documents.load(str(large)), HOSTNAMES, unsafe=False)
    )
    assert (len(catalogue.entries), len(catalogue.left_out)) == counts
    assert whole < 30 * tenth  # and not a hundred times


@given(
    value=st.dictionaries(st.text(max_size=4), JSON_VALUES), indent=st.sampled_from([None, "\t"])
)
def test_every_value_of_json_has_the_place_where_it_stands(value: Any, indent: str | None) -> None:
    text = json.dumps(value, indent=indent)
    document = documents.parse("a.json", text)
    lines = text.split("\n")

    def rest_at(*steps: str | int) -> str:
        line, column = map(int, document.place(steps).split(":")[1:])
        return "\n".join([lines[line - 1][column - 1 :], *lines[line:]])

    for key, member in value.items():
        assert rest_at(key).startswith(json.dumps(key))
        if isinstance(member, list) and member:
            items: list[Any] = cast("list[Any]", member)
            last = json.JSONDecoder().raw_decode(rest_at(key, len(items) - 1))[0]
            assert last == items[-1]
