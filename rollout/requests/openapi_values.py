"""The request that an operation of an OpenAPI document describes, from its own values alone."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

from components.faults import shown
from rollout.probe.model import HttpRequest
from rollout.requests.catalogue import is_target, is_token, is_value, with_own_headers
from rollout.requests.openapi_parts import Node, NotAskedError, leave

_jsonref: Any = import_module("jsonref")
"""It is not typed."""

OF_OTHER_FIELDS: Final = frozenset({"accept", "content-type", "authorization"})
"""Header parameters that the document describes elsewhere. Source: section 4.8.12.2.1."""


def _object(node: Node, key: str) -> Node:
    """Return what a key holds if that is an object, else an empty one."""
    value = node.get(key)
    return cast("Node", value) if isinstance(value, Mapping) else {}


def _objects(node: Node, key: str) -> Sequence[Node]:
    """Return the objects that a key holds a list of; none where it holds something else."""
    value = node.get(key)
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Node", item) for item in items if isinstance(item, Mapping)]


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


def operation_request(
    whole: Node, path: str, method: str, hostnames: Collection[str]
) -> HttpRequest:
    """Return the request of an operation.

    Args:
        whole: The document, in which references are followed.
        path: The path as the document has it.
        method: The method, in lower case.
        hostnames: Our hostnames: they tell which of several servers is ours.

    Raises:
        NotAskedError: A value is missing, or cannot be sent.
    """
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
        leave(f"its path would be {target}, in which something is left open or not encoded")
    for name, value in headers:
        if not is_token(name) or not is_value(value):
            leave(f"header {name} cannot have the value that is given for it")
    return HttpRequest(method.upper(), target, with_own_headers(headers), body)


def _key(parameter: Node) -> tuple[Any, Any]:
    """Return what tells a parameter from others. Source: section 4.8.12."""
    return parameter.get("in"), parameter.get("name")


def _query(parameter: Node, name: str, values: Sequence[str]) -> str:
    style = parameter.get("style", "form")
    key = quote(name, safe="")
    encoded = [quote(value, safe="") for value in values]
    if style != "form":
        leave(f"query parameter {name} is written in style {style}")
    if parameter.get("explode", True):
        return "&".join(f"{key}={value}" for value in encoded)
    return f"{key}={','.join(encoded)}"


def _texts(parameter: Node) -> list[str]:
    """Return the value of a required parameter as texts; more than one for an array."""
    name, place = parameter.get("name"), parameter.get("in")
    if place not in {"path", "query", "header", "cookie"}:
        leave("one of its references does not lead to a parameter")
    if parameter.get("content"):
        leave(f"{place} parameter {name} is written as a document")
    if place == "path" and parameter.get("style", "simple") != "simple":
        leave(f"path parameter {name} is written in style {parameter['style']}")
    examples = _example(parameter)
    if not examples:
        leave(f"required {place} parameter {name} has no example, default or enumeration")
    values = cast("list[Any]", examples[0]) if isinstance(examples[0], list) else [examples[0]]
    if not values or any(value is None or isinstance(value, list | dict) for value in values):
        leave(f"the example of {place} parameter {name} is no plain value or list of them")
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
        values += _entries(schema, key)
    if not values and _object(schema, "items"):
        values = [[item] for item in _of_schema(_object(schema, "items"))]
    return values


def _entries(schema: Node, key: str) -> Sequence[Any]:
    entries: Any = schema.get(key) or []
    if not isinstance(entries, list):
        leave(f"one of its schemas has {key} that are no list")
    return cast("list[Any]", entries)


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
    raise NotAskedError("its required body has no example that can be sent")


def _base(servers: Sequence[Node], hostnames: Collection[str]) -> str:
    """Return the path that all of ours stand below: of our own server, else of the first."""
    urls = [_filled(server) for server in servers]
    for url in urls:
        try:
            urlsplit(url)
        except ValueError:
            leave(f"its server {shown(url)} is no URL")
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
