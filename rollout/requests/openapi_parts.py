"""The parts of an OpenAPI document that an operation needs, each checked once, where it stands."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn, cast
from urllib.parse import unquote

from openapi_pydantic.v3 import v3_0, v3_1
from pydantic import BaseModel, ValidationError

from components.faults import shown
from rollout.requests.documents import Document

Node = Mapping[str, Any]
"""An object of the document; what a reference in it leads to is followed when it is read."""

METHODS: Final = ("get", "head", "options", "put", "post", "patch", "delete")
"""Those of a path item that can be asked; load balancers refuse `trace`."""

WITHOUT_EFFECT: Final = ("summary", "description")
"""What may stand beside a reference, because no request depends on it."""


class NotAskedError(Exception):
    """An operation cannot be asked; the message is the reason."""


def leave(reason: str) -> NoReturn:
    """Leave an operation out.

    Raises:
        NotAskedError: Always.
    """
    raise NotAskedError(reason)


class PartChecks:
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
            NotAskedError: One of the parts is not as it has to be; with the place of each fault.
        """
        at_item = self._path_item(path)
        item = self._mapping(at_item)
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

    def methods(self, path: str) -> Sequence[str]:
        """Return the methods of a path; one where it cannot be read, so that it is told."""
        try:
            item = self._value(self._path_item(path))
        except NotAskedError:
            return METHODS[:1]
        if not isinstance(item, Mapping):
            return METHODS[:1]
        return [method for method in METHODS if method in item]

    def _path_item(self, path: str) -> tuple[str | int, ...]:
        """Return where the item of a path stands: it may be a reference to another.

        What stands beside such a reference has no meaning that all agree on.
        """
        steps: tuple[str | int, ...] = ("paths", path)
        passed: set[tuple[str | int, ...]] = set()
        while isinstance(item := self._value(steps), Mapping) and "$ref" in item:
            if steps in passed:
                leave("its references lead in a circle")
            passed.add(steps)
            node = cast("Node", item)
            for key in node.keys() - {"$ref", *WITHOUT_EFFECT}:
                what = self._document.what((*steps, key))
                leave(f"{what} is there beside $ref; summary and description may be")
            steps = self._target(steps, node["$ref"])
        return steps

    def _value(self, steps: Sequence[str | int]) -> Any:
        value: Any = self._whole
        for step in steps:
            value = value[step]
        return value

    def _mapping(self, steps: tuple[str | int, ...]) -> Node:
        value = self._value(steps)
        if not isinstance(value, Mapping):
            leave(f"{self._document.what(steps)} is {shown(value)}; it should be an object")
        return cast("Node", value)

    def _list(self, steps: tuple[str | int, ...], node: Node) -> Sequence[Any]:
        value = node.get(str(steps[-1]), [])
        if not isinstance(value, list):
            leave(f"{self._document.what(steps)} is {shown(value)}; it should be a list")
        return cast("list[Any]", value)

    def _valid(self, steps: tuple[str | int, ...], kind: type[BaseModel]) -> None:
        """Check a part, or the one that it refers to."""
        target = self._followed(steps)
        if target not in self._reasons:
            self._reasons[target] = self._reason(target, kind)
        if reason := self._reasons[target]:
            leave(reason)

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
                leave("its references lead in a circle")
            passed.add(steps)
            steps = self._target(steps, cast("Node", value)["$ref"])

    def _target(self, steps: tuple[str | int, ...], reference: Any) -> tuple[str | int, ...]:
        if not isinstance(reference, str):
            what = self._document.what((*steps, "$ref"))
            leave(f"{what} is {shown(reference)}; it should be text")
        at = self._document.place((*steps, "$ref"))
        if not reference.startswith("#/"):
            leave(f"its reference {reference} is outside this file ({at})")
        target: list[str | int] = []
        value: Any = self._whole
        for escaped in reference.removeprefix("#/").split("/"):
            key = unquote(escaped).replace("~1", "/").replace("~0", "~")
            is_index = isinstance(value, list) and key.isdecimal()
            step: str | int = int(key) if is_index else key
            try:
                value = cast("Any", value)[step]
            except (LookupError, TypeError):
                leave(f"its reference {reference} leads nowhere ({at})")
            target.append(step)
        return tuple(target)
