"""Requests from a file of the user's, in YAML or JSON.

ignore: [header:X-Request-Id]        # for all of them; optional
requests:
  - path: /orders?limit=2            # encoded, as it goes onto the wire
  - name: one order                  # default: the method and the path
    method: PUT                      # default GET
    path: /orders/7
    headers: {Accept: application/json, X-Tag: [one, two]}
    body: {state: open}              # text, or anything else, which is sent as JSON
    ignore: [json:/updated]
"""

import json
from typing import Annotated, Any, Final, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
)

from rollout.faults import WrongUseError
from rollout.probe.model import HttpRequest
from rollout.requests.catalogue import (
    IDEMPOTENT,
    OF_THE_CONNECTION,
    Catalogue,
    CatalogueEntry,
    IgnoreRule,
    ignore_rule,
    is_target,
    is_token,
    is_value,
    with_own_headers,
)
from rollout.requests.documents import Document


def _method(text: str) -> str:
    if not is_token(text) or text != text.upper() or text in {"CONNECT", "TRACE"}:
        raise ValueError("it should be a method such as GET, in capitals; not CONNECT or TRACE")
    return text


def _path(text: str) -> str:
    if not is_target(text):
        raise ValueError(
            "it should begin with / and be encoded, as it goes onto the wire: a space is %20"
        )
    return text


def _header(text: str) -> str:
    if not is_token(text):
        raise ValueError("it should be the name of a header, without a colon")
    if text.lower() in OF_THE_CONNECTION:
        raise ValueError("it is added from the way and the body, and cannot be set")
    return text


def _value(text: str) -> str:
    if not is_value(text):
        raise ValueError("it should be one line of text without spaces around it")
    return text


def _values(value: Any) -> Any:
    """Return one value as a list of one, and lists as they are."""
    if not isinstance(value, str | list):
        raise ValueError("it should be text or a list of texts; in YAML put a number into quotes")  # noqa: TRY004 - pydantic takes a ValueError
    return cast("Any", [value] if isinstance(value, str) else value)


def _rule(text: str) -> IgnoreRule:
    return ignore_rule(text)


Values = Annotated[list[Annotated[str, AfterValidator(_value)]], BeforeValidator(_values)]
RuleText = Annotated[str, AfterValidator(_rule)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _FileRequest(_Model):
    path: Annotated[str, AfterValidator(_path)]
    name: Annotated[str, Field(min_length=1)] | None = None
    method: Annotated[str, AfterValidator(_method)] = "GET"
    headers: dict[Annotated[str, AfterValidator(_header)], Values] = {}
    body: JsonValue = None
    ignore: list[RuleText] = []


class _File(_Model):
    requests: Annotated[list[_FileRequest], Field(min_length=1)]
    ignore: list[RuleText] = []


JSON_TYPE: Final = ("Content-Type", "application/json")


def read(document: Document, *, unsafe: bool) -> Catalogue:
    """Return the requests of a file.

    Args:
        document: The file.
        unsafe: Whether requests that are not idempotent are sent too.

    Raises:
        WrongUseError: It is not what it should be; with every fault and its place.
    """
    try:
        file = _File.model_validate(document.value)
    except ValidationError as error:
        raise WrongUseError(document.faults(error)) from error
    entries: list[CatalogueEntry] = []
    left_out: list[tuple[str, str]] = []
    for item in file.requests:
        name = item.name or f"{item.method} {item.path}"
        if item.method not in IDEMPOTENT and not unsafe:
            reason = f"{item.method} is not idempotent; --allow-unsafe sends it"
            left_out.append((name, reason))
            continue
        # The validators have made rules of them.
        ignore: Any = (*file.ignore, *item.ignore)
        entries.append(CatalogueEntry(name, _request(item), None, ignore))
    return Catalogue(tuple(entries), tuple(left_out))


def _request(item: _FileRequest) -> HttpRequest:
    headers = [(name, value) for name, values in item.headers.items() for value in values]
    body: bytes | None = None
    if isinstance(item.body, str):
        body = item.body.encode()
    elif item.body is not None:
        body = json.dumps(item.body, ensure_ascii=False).encode()
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(JSON_TYPE)
    return HttpRequest(item.method, item.path, with_own_headers(headers), body)
