"""Requests from an OpenAPI document, 3.0 or 3.1.

An operation is sent when the document has all values for it: every required parameter has an
example, a default, a constant or an enumeration. No value is made up: an id that does not exist
would compare two error pages and prove little. Operations that are left out are listed with the
reason. Only safe methods are sent, unless the user allows others: the document says what an
operation is, not whether it may run here and now.

Source: OpenAPI Specification 3.1.0, sections 4.8.12 (parameters) and 4.8.24 (schemas).
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Final, NoReturn, cast
from urllib.parse import quote, urlsplit

import openapi_pydantic
from pydantic import ValidationError

from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.probe.model import HttpRequest
from rollout.requests.catalogue import (
    SAFE,
    Catalogue,
    CatalogueEntry,
    is_target,
    is_token,
    is_value,
    with_own_headers,
)
from rollout.requests.documents import REMEDY, Document

_jsonref: Any = import_module("jsonref")
"""It is not typed."""

Node = Mapping[str, Any]
"""An object of the document; what a reference in it leads to is followed when it is read."""

METHODS: Final = ("get", "head", "options", "put", "post", "patch", "delete")
"""Those of a path item that can be asked; load balancers refuse `trace`."""

OF_OTHER_FIELDS: Final = frozenset({"accept", "content-type", "authorization"})
"""Header parameters that the document describes elsewhere. Source: section 4.8.12.2.1."""


class _NotAskedError(Exception):
    """An operation cannot be asked; the message is the reason."""


def read(document: Document, hostnames: Collection[str], *, unsafe: bool) -> Catalogue:
    """Return the operations of a document as requests.

    Args:
        document: The file.
        hostnames: Our hostnames: they tell which of several servers is ours.
        unsafe: Whether operations that may change something are asked too.

    Raises:
        WrongUseError: It is no OpenAPI document; with every fault and its place.
    """
    whole = _checked(document)
    # References are followed when they are come to: schemas may contain themselves.
    resolved: Node = _jsonref.replace_refs(whole, loader=_refuse)
    entries: list[CatalogueEntry] = []
    left_out: list[tuple[str, str]] = []
    for path, method in _operations(whole):
        name = f"{method.upper()} {path}"
        try:
            if method.upper() not in SAFE and not unsafe:
                _leave(f"{method.upper()} may change something; --allow-unsafe sends it")
            entries.append(CatalogueEntry(name, _request(resolved, path, method, hostnames)))
        except _NotAskedError as reason:
            left_out.append((name, str(reason)))
        except _jsonref.JsonRefError as error:
            reference = str(error.reference["$ref"])
            why = "leads nowhere" if reference.startswith("#") else "is outside this file"
            left_out.append((name, f"its reference {reference} {why}"))
    return Catalogue(tuple(entries), tuple(left_out))


def _object(node: Node, key: str) -> Node:
    """Return what a key holds if that is an object, else an empty one."""
    value = node.get(key)
    return cast("Node", value) if isinstance(value, Mapping) else {}


def _objects(node: Node, key: str) -> Sequence[Node]:
    """Return the objects that a key holds a list of; none where it holds something else."""
    value = node.get(key)
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Node", item) for item in items if isinstance(item, Mapping)]


def _operations(whole: Node) -> list[tuple[str, str]]:
    """Return the path and method of every operation."""
    paths = _object(whole, "paths")
    return [
        (path, method) for path in paths for method in METHODS if method in _object(paths, path)
    ]


def _checked(document: Document) -> Node:
    """Return the document as JSON: without YAML's own types."""
    try:
        # YAML has numbers as keys (`200:`) and dates as values.
        whole: Any = json.loads(json.dumps(document.value, default=str))
    except (TypeError, ValueError, RecursionError) as error:
        allowed = "it should be an OpenAPI document"
        fault = Fault(document.what([]), f"not usable ({error})", allowed, REMEDY)
        raise WrongUseError([fault]) from error
    version: Any = cast("Any", whole).get("openapi") if isinstance(whole, dict) else None
    if not isinstance(version, str) or not re.fullmatch(r"3\.[01]\.\d+", version):
        problem = "not an OpenAPI document" if version is None else f"{version!r} in `openapi`"
        raise WrongUseError(
            [
                Fault(
                    document.what(["openapi"]),
                    problem,
                    "it should be one of version 3.0 or 3.1, which says so in `openapi`",
                    "Convert it, or list the requests in a file for --requests.",
                )
            ]
        )
    try:
        openapi_pydantic.parse_obj(whole)
    except ValidationError as error:
        raise WrongUseError(document.faults(error, without="Reference")) from error
    return cast("Node", whole)


def _refuse(uri: str, **_: Any) -> NoReturn:
    """Read no other file and no network: the document alone is read."""
    raise LookupError(uri)


def _leave(reason: str) -> NoReturn:
    raise _NotAskedError(reason)


@dataclass
class _Parts:
    """What parameters make of a request."""

    path: str
    query: list[str] = field(default_factory=list[str])
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    cookies: list[str] = field(default_factory=list[str])

    def put(self, parameter: Node) -> None:
        """Put a required parameter where it belongs."""
        name, values = str(parameter.get("name")), _texts(parameter)
        match parameter.get("in"):
            case "path":
                encoded = ",".join(quote(value, safe="") for value in values)
                self.path = self.path.replace("{" + name + "}", encoded)
            case "query":
                self.query.append(_query(parameter, name, values))
            case "cookie":
                self.cookies.append(f"{name}={','.join(values)}")
            case "header" if name.lower() not in OF_OTHER_FIELDS:
                self.headers.append((name, ",".join(values)))
            case _:
                pass


def _request(whole: Node, path: str, method: str, hostnames: Collection[str]) -> HttpRequest:
    item = _object(_object(whole, "paths"), path)
    operation = _object(item, method)
    own = {_key(parameter): parameter for parameter in _objects(operation, "parameters")}
    shared = {_key(parameter): parameter for parameter in _objects(item, "parameters")}
    parts = _Parts(path)
    for parameter in {**shared, **own}.values():
        if parameter.get("required"):
            parts.put(parameter)
    headers = list(parts.headers)
    if parts.cookies:
        headers.append(("Cookie", "; ".join(parts.cookies)))
    body, kind = _body(operation)
    if kind:
        headers.append(("Content-Type", kind))
    level = next((node for node in (operation, item) if node.get("servers")), whole)
    base = _base(_objects(level, "servers"), hostnames)
    target = base + parts.path + (f"?{'&'.join(parts.query)}" if parts.query else "")
    if not is_target(target):
        _leave(f"its path would be {target}, in which something is left open or not encoded")
    for name, value in headers:
        if not is_token(name) or not is_value(value):
            _leave(f"header {name} cannot have the value that is given for it")
    return HttpRequest(method.upper(), target, with_own_headers(headers), body)


def _key(parameter: Node) -> tuple[Any, Any]:
    """Return what tells a parameter from others. Source: section 4.8.12."""
    return parameter.get("in"), parameter.get("name")


def _query(parameter: Node, name: str, values: Sequence[str]) -> str:
    style = parameter.get("style", "form")
    key = quote(name, safe="")
    encoded = [quote(value, safe="") for value in values]
    if style != "form":
        _leave(f"query parameter {name} is written in style {style}")
    if parameter.get("explode", True):
        return "&".join(f"{key}={value}" for value in encoded)
    return f"{key}={','.join(encoded)}"


def _texts(parameter: Node) -> list[str]:
    """Return the value of a required parameter as texts; more than one for an array."""
    name, place = parameter.get("name"), parameter.get("in")
    if place not in {"path", "query", "header", "cookie"}:
        _leave("one of its references does not lead to a parameter")
    if parameter.get("content"):
        _leave(f"{place} parameter {name} is written as a document")
    if place == "path" and parameter.get("style", "simple") != "simple":
        _leave(f"path parameter {name} is written in style {parameter['style']}")
    examples = _example(parameter)
    if not examples:
        _leave(f"required {place} parameter {name} has no example, default or enumeration")
    values = cast("list[Any]", examples[0]) if isinstance(examples[0], list) else [examples[0]]
    if not values or any(value is None or isinstance(value, list | dict) for value in values):
        _leave(f"the example of {place} parameter {name} is no plain value or list of them")
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


def _example(described: Node) -> list[Any]:
    """Return the first value that a parameter or a media type gives, in a list; none: no value."""
    examples = _object(described, "examples")
    values = [
        item["value"] for item in map(partial(_object, examples), examples) if "value" in item
    ]
    if "example" in described:
        values.insert(0, described["example"])
    return [_json(value) for value in [*values, *_of_schema(_object(described, "schema"))][:1]]


def _of_schema(schema: Node) -> list[Any]:
    """Return the values that a schema gives itself, the likeliest first."""
    values = [schema[key] for key in ("example", "default", "const") if key in schema]
    for key in ("examples", "enum"):
        values += list(schema.get(key) or [])
    if not values and _object(schema, "items"):
        values = [[item] for item in _of_schema(_object(schema, "items"))]
    return values


def _body(operation: Node) -> tuple[bytes | None, str]:
    """Return the body that an operation needs and its type; nothing where it needs none."""
    described = _object(operation, "requestBody")
    if not described.get("required"):
        return None, ""
    content = _object(described, "content")
    for kind in content:
        examples = _example(_object(content, kind))
        if not examples:
            continue
        if kind == "application/json" or kind.endswith("+json"):
            return json.dumps(examples[0], ensure_ascii=False).encode(), kind
        if isinstance(examples[0], str):
            return examples[0].encode(), kind
    _leave("its required body has no example that can be sent")


def _base(servers: Sequence[Node], hostnames: Collection[str]) -> str:
    """Return the path that all of ours stand below: of our own server, else of the first."""
    urls = [_filled(server) for server in servers]
    ours = [url for url in urls if (urlsplit(url).hostname or "").lower() in hostnames]
    relative = [url for url in urls if not urlsplit(url).netloc]
    return next((urlsplit(url).path for url in (*ours, *relative, *urls)), "").rstrip("/")


def _filled(server: Node) -> str:
    """Return a server's URL with the defaults of its variables."""
    url = str(server["url"])
    variables = _object(server, "variables")
    for name in variables:
        url = url.replace("{" + name + "}", str(_object(variables, name).get("default", "")))
    return url


def _json(value: Any) -> Any:
    """Return a value without the stand-ins that references are followed by."""
    return json.loads(_jsonref.dumps(value))
