"""Requests from an OpenAPI document, 3.0 or 3.1.

An operation is sent when the document has all values for it: every required parameter has an
example, a default, a constant or an enumeration. No value is made up: an id that does not exist
would compare two error pages and prove little. Operations that are left out are listed with the
reason. Only safe methods are sent, unless the user allows others: the document says what an
operation is, not whether it may run here and now.

Each operation is checked alone, with the parameters and bodies that it refers to: in a document of
thousands of operations one that is broken says nothing about the others.

Source: OpenAPI Specification 3.1.0, sections 4.8.12 (parameters) and 4.8.24 (schemas).
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Final, NoReturn, cast
from urllib.parse import quote, unquote, urlsplit

from openapi_pydantic.v3 import v3_0, v3_1
from pydantic import BaseModel, ValidationError

from components.faults import Fault, shown
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
from rollout.requests.documents import REMEDY, Document, without_collector

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
    with without_collector():
        return _read(document, hostnames, unsafe=unsafe)


def _read(document: Document, hostnames: Collection[str], *, unsafe: bool) -> Catalogue:
    whole = _checked(document)
    # References are followed when they are come to: schemas may contain themselves.
    resolved: Node = _jsonref.replace_refs(whole, loader=_refuse)
    parts = _PartChecks(document, whole)
    entries: list[CatalogueEntry] = []
    left_out: list[tuple[str, str]] = []
    for path, method in _operations(whole):
        name = f"{method.upper()} {path}"
        try:
            if method.upper() not in SAFE and not unsafe:
                _leave(f"{method.upper()} may change something; --allow-unsafe sends it")
            parts.check(path, method)
            entries.append(CatalogueEntry(name, _request(resolved, path, method, hostnames)))
        except _NotAskedError as reason:
            left_out.append((name, str(reason)))
        except _jsonref.JsonRefError as error:
            reference = str(error.reference["$ref"])
            why = "leads nowhere" if reference.startswith("#") else "is outside this file"
            left_out.append((name, f"its reference {reference} {why}"))
        except RecursionError:
            left_out.append((name, "its references lead in a circle"))
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
    """Return the path and method of every operation; what begins with `x-` is an extension.

    A path that cannot be read stands for one operation, so that it is told and not passed over.
    """
    paths: Node = whole.get("paths") or {}
    return [
        (path, method)
        for path, item in paths.items()
        if not path.startswith("x-")
        for method in _methods(item)
    ]


def _methods(item: Any) -> Sequence[str]:
    if not isinstance(item, Mapping) or "$ref" in item:
        return METHODS[:1]
    return [method for method in METHODS if method in item]


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
    node = cast("Node", whole)
    if not isinstance(node.get("paths") or {}, Mapping):
        what = document.what(["paths"])
        fault = Fault(what, shown(node["paths"]), "it should be an object of paths", REMEDY)
        raise WrongUseError([fault])
    return node


class _PartChecks:
    """Checks what an operation is made of against the specification, each part once."""

    def __init__(self, document: Document, whole: Node) -> None:
        """Check parts of a document.

        Args:
            document: The file, which has the places.
            whole: What it holds, as JSON.
        """
        self._document, self._whole = document, whole
        self._reasons: dict[tuple[str | int, ...], str] = {}
        version: Any = v3_0 if str(whole["openapi"]).startswith("3.0") else v3_1
        self._operation: type[BaseModel] = version.Operation
        self._parameter: type[BaseModel] = version.Parameter
        self._body: type[BaseModel] = version.RequestBody
        self._server: type[BaseModel] = version.Server

    def check(self, path: str, method: str) -> None:
        """Check an operation and whatever it needs.

        Raises:
            _NotAskedError: One of the parts is not as it has to be; with the place of each fault.
        """
        at_item = ("paths", path)
        item = self._mapping(at_item)
        if "$ref" in item:
            _leave("its path is a reference, which is not followed")
        operation = self._mapping((*at_item, method))
        for steps, node in ((at_item, item), ((*at_item, method), operation)):
            for index in range(len(self._list((*steps, "parameters"), node))):
                self._valid((*steps, "parameters", index), self._parameter)
        if "requestBody" in operation:
            self._valid((*at_item, method, "requestBody"), self._body)
        at_servers = next(
            (
                steps
                for steps, node in (((*at_item, method), operation), (at_item, item))
                if node.get("servers")
            ),
            (),
        )
        servers = self._list((*at_servers, "servers"), self._value(at_servers))
        for index in range(len(servers)):
            self._valid((*at_servers, "servers", index), self._server)
        self._valid((*at_item, method), self._operation)

    def _value(self, steps: Sequence[str | int]) -> Any:
        value: Any = self._whole
        for step in steps:
            value = value[step]
        return value

    def _mapping(self, steps: tuple[str | int, ...]) -> Node:
        value = self._value(steps)
        if not isinstance(value, Mapping):
            _leave(f"{self._document.what(steps)} is {shown(value)}; it should be an object")
        return cast("Node", value)

    def _list(self, steps: tuple[str | int, ...], node: Node) -> Sequence[Any]:
        value = node.get(str(steps[-1]), [])
        if not isinstance(value, list):
            _leave(f"{self._document.what(steps)} is {shown(value)}; it should be a list")
        return cast("list[Any]", value)

    def _valid(self, steps: tuple[str | int, ...], kind: type[BaseModel]) -> None:
        """Check a part, or the one that it refers to."""
        target = self._followed(steps)
        if target not in self._reasons:
            self._reasons[target] = self._reason(target, kind)
        if reason := self._reasons[target]:
            _leave(reason)

    def _reason(self, steps: tuple[str | int, ...], kind: type[BaseModel]) -> str:
        """Return what is wrong with a part; empty: nothing is."""
        try:
            kind.model_validate(self._value(steps))
        except ValidationError as error:
            faults = self._document.faults(error, without="Reference", below=steps)
            return "; ".join(f"{each.what} is {each.value}; {each.allowed}" for each in faults)
        return ""

    def _followed(self, steps: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """Return where a part stands, or the one that it refers to."""
        passed: set[tuple[str | int, ...]] = set()
        while True:
            value = self._value(steps)
            if not isinstance(value, Mapping) or "$ref" not in value:
                return steps
            if steps in passed:
                _leave("its references lead in a circle")
            passed.add(steps)
            steps = self._target(steps, cast("Node", value)["$ref"])

    def _target(self, steps: tuple[str | int, ...], reference: Any) -> tuple[str | int, ...]:
        if not isinstance(reference, str):
            what = self._document.what((*steps, "$ref"))
            _leave(f"{what} is {shown(reference)}; it should be text")
        if not reference.startswith("#/"):
            _leave(f"its reference {reference} is outside this file")
        target: list[str | int] = []
        value: Any = self._whole
        for escaped in reference.removeprefix("#/").split("/"):
            key = unquote(escaped).replace("~1", "/").replace("~0", "~")
            is_index = isinstance(value, list) and key.isdecimal()
            step: str | int = int(key) if is_index else key
            try:
                value = cast("Any", value)[step]
            except (LookupError, TypeError):
                _leave(f"its reference {reference} leads nowhere")
            target.append(step)
        return tuple(target)


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
        values += _entries(schema, key)
    if not values and _object(schema, "items"):
        values = [[item] for item in _of_schema(_object(schema, "items"))]
    return values


def _entries(schema: Node, key: str) -> Sequence[Any]:
    entries: Any = schema.get(key) or []
    if not isinstance(entries, list):
        _leave(f"one of its schemas has {key} that are no list")
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
    _leave("its required body has no example that can be sent")


def _base(servers: Sequence[Node], hostnames: Collection[str]) -> str:
    """Return the path that all of ours stand below: of our own server, else of the first."""
    urls = [_filled(server) for server in servers]
    for url in urls:
        try:
            urlsplit(url)
        except ValueError:
            _leave(f"its server {shown(url)} is no URL")
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
