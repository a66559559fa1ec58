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
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any, NoReturn, cast

from components.faults import Fault, shown
from rollout.faults import WrongUseError
from rollout.requests.catalogue import SAFE, Catalogue, CatalogueEntry
from rollout.requests.documents import REMEDY, Document, without_collector
from rollout.requests.openapi_parts import Node, NotAskedError, PartChecks, leave
from rollout.requests.openapi_values import operation_request

_jsonref: Any = import_module("jsonref")
"""It is not typed."""


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
    parts = PartChecks(document, whole)
    entries: list[CatalogueEntry] = []
    left_out: list[tuple[str, str]] = []
    for path, method in _operations(whole, parts):
        name = f"{method.upper()} {path}"
        try:
            if method.upper() not in SAFE and not unsafe:
                leave(f"{method.upper()} may change something; --allow-unsafe sends it")
            parts.check(path, method)
            entries.append(
                CatalogueEntry(name, operation_request(resolved, path, method, hostnames))
            )
        except NotAskedError as reason:
            left_out.append((name, str(reason)))
        except _jsonref.JsonRefError as error:
            reference = str(error.reference["$ref"])
            why = "leads nowhere" if reference.startswith("#") else "is outside this file"
            left_out.append((name, f"its reference {reference} {why}"))
        except RecursionError:
            left_out.append((name, "its references lead in a circle"))
    return Catalogue(tuple(entries), tuple(left_out))


def _operations(whole: Node, parts: PartChecks) -> list[tuple[str, str]]:
    """Return the path and method of every operation; what begins with `x-` is an extension."""
    paths: Node = whole.get("paths") or {}
    return [
        (path, method)
        for path in paths
        if not path.startswith("x-")
        for method in parts.methods(path)
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
    node = cast("Node", whole)
    if not isinstance(node.get("paths") or {}, Mapping):
        what = document.what(["paths"])
        fault = Fault(what, shown(node["paths"]), "it should be an object of paths", REMEDY)
        raise WrongUseError([fault])
    return node


def _refuse(uri: str, **_: Any) -> NoReturn:
    """Read no other file and no network: the document alone is read."""
    raise LookupError(uri)
