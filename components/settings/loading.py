"""The two ways in: the configuration of a stack, and the arguments of a component.

`load` is the only reader of `pulumi.Config`; `parse` is the function behind it. Each way makes
plain values by key of what it is given, has them checked once, and words what is wrong for who
reads it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast, get_args

import pulumi
import pulumi.runtime
import pulumi.runtime.config
import pulumi_aws as aws
from pydantic import Secret
from pydantic.alias_generators import to_camel, to_snake
from pydantic_core import from_json

from components.arguments import DualStackEdgeArgs
from components.errors import FaultsError
from components.faults import Fault, shown
from components.settings.all_settings import KEYS, NAMESPACE, UNPROTECTED_STACK, Settings
from components.settings.checks import check
from components.settings.commands import set_command, yaml_of
from components.settings.fields import NOTHING, SET, is_text
from components.settings.shift import Shift
from components.settings.unknown import nearest
from components.settings.wording import Problem, as_argument, as_setting


class SettingsError(FaultsError):
    """The settings cannot be used; the message lists every fault of every key."""


_NOTHING: Final[Mapping[str, Any]] = {}


# ---- the configuration of a stack ---------------------------------------------------------------


def load() -> Settings:
    """Read the configuration of the running stack.

    Returns:
        The settings, valid as a whole.

    Raises:
        SettingsError: Something is missing, unknown or not allowed; lists every fault.
    """
    # `pulumi.Config` can be asked for a key but not for all keys, and a misspelt key is one nobody
    # asks for; so the keys come from the two places the runtime itself takes values from.
    keys = {
        *pulumi.runtime.config.CONFIG.get(),
        *pulumi.runtime.get_config_env(),
        *(f"{NAMESPACE}:{key}" for key in KEYS),
    }
    raw = {
        key: value
        for key in keys
        if (value := pulumi.Config(key.rpartition(":")[0]).get(key.rpartition(":")[2])) is not None
    }
    secret = {key for key in raw if pulumi.runtime.is_config_secret(key)}
    return parse(raw, stack=pulumi.get_stack(), secret=secret)


def parse(raw: Mapping[str, str], *, stack: str, secret: Collection[str] = ()) -> Settings:
    """Turn configuration into settings.

    Args:
        raw: The values as the engine hands them out, by full key (`dualstack-edge:zone`): text, or
            JSON where the value is nested. Keys of other namespaces than ours and `aws` are left
            alone. Empty text and an empty object mean that a key is not set, because the engine
            insists on a default for every key that `Pulumi.yaml` declares.
        stack: Name of the stack.
        secret: The full keys whose values are secret; no message shows them.

    Returns:
        The settings, valid as a whole.

    Raises:
        SettingsError: Something is missing, unknown or not allowed; lists every fault.
    """
    # Text from outside may hold halves of surrogate pairs, which JSON readers stumble over.
    raw = {key: _whole_text(value) for key, value in raw.items()}
    given = {
        key.removeprefix(f"{NAMESPACE}:"): _decoded(key.removeprefix(f"{NAMESPACE}:"), value)
        for key, value in raw.items()
        if key.startswith(f"{NAMESPACE}:") and value.strip() not in ("", "{}")
    }
    values, problems = check(given, {key.removeprefix(f"{NAMESPACE}:") for key in secret})
    arguments, provider_faults = _provider_configuration(raw, secret)
    faults = [*map(as_setting, problems), *provider_faults]
    if faults:
        count = f"{len(faults)} setting{'s' if len(faults) > 1 else ''}"
        raise SettingsError(f"{count} of stack {stack} cannot be used", faults)
    settings = {"protect": stack != UNPROTECTED_STACK, **values}
    return _settings(settings, arguments, _digitalocean_configuration(raw))


def shift_of(value: Any, *, stack: str) -> Shift:
    """Return the settings of a shift, from what stands in a stack's file.

    Args:
        value: What stands there under `shift`, as JSON holds it; None: nothing.
        stack: Name of the stack.

    Raises:
        SettingsError: Something is unknown or not allowed; lists every fault.
    """
    if value is None:
        return Shift()
    values, problems = check({"shift": value})
    faults = [as_setting(each) for each in problems if each.path[0] == "shift"]
    if faults:
        raise SettingsError(f"The setting shift of stack {stack} cannot be used", faults)
    return cast("Shift", values["shift"])


def _decoded(key: str, text: str) -> Any:
    """Return what a text holds: JSON, except for keys whose value is text, or that mean nothing.

    Text that is not JSON stays text, which no other kind of key takes.
    """
    name = key if key in KEYS else nearest(key, KEYS)
    if not name or is_text(KEYS[name]):
        return text
    try:
        return from_json(text)
    except ValueError:
        return text


_PROVIDER_ARGUMENTS: Final[Mapping[str, tuple[str, bool]]] = {
    to_camel(name): (name, str in get_args(hint))
    for name, hint in aws.ProviderArgs.__init__.__annotations__.items()
    if name != "region"
}
"""Argument of `aws.Provider` for each key of namespace `aws`, and whether its value is text."""

_LISTS: Final = frozenset(
    to_camel(name)
    for name, hint in aws.ProviderArgs.__init__.__annotations__.items()
    if any("Sequence[" in str(option) and "Args" not in str(option) for option in get_args(hint))
)
"""Keys of namespace `aws` whose value is a list of texts."""

_CREDENTIALS: Final = ("access_key", "secret_key", "token")


def _provider_configuration(
    raw: Mapping[str, str], secret: Collection[str]
) -> tuple[dict[str, Any], list[Fault]]:
    """Return the arguments an explicit provider needs to be like the stack's default one.

    Keys that `aws.Provider` does not know are left for the default provider to complain about.
    """
    arguments: dict[str, Any] = {}
    faults: list[Fault] = []
    for key, text in sorted(raw.items()):
        namespace, _, short = key.partition(":")
        if namespace != "aws" or short not in _PROVIDER_ARGUMENTS or text == "":
            continue
        name, holds_text = _PROVIDER_ARGUMENTS[short]
        value = text if holds_text else _json(text)
        if short in _LISTS and key not in secret and not _is_list(value):
            faults.append(_no_list(key, text))
            continue
        if value is NOTHING:
            remedy = (
                f"Set it with pulumi config set --path {key}, or remove it: pulumi config rm {key}"
            )
            allowed = "JSON, as pulumi_aws.ProviderArgs describes it"
            faults.append(Fault(key, shown(text, masked=key in secret), allowed, remedy))
            continue
        arguments[name] = Secret(value) if key in secret or name in _CREDENTIALS else value
    return arguments, faults


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _json(text: str) -> Any:
    """Return what a text holds, `NOTHING` where it is no JSON."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        return NOTHING


def _no_list(key: str, text: str) -> Fault:
    """Say that a text stands where a list of texts belongs, as in `allowedAccountIds`."""
    entries = [part for part in re.split(r"[\s,;]+", text.strip("[] ")) if part] or [text]
    commands = [
        set_command(f"{key}[{index}]", entry, nested=True) for index, entry in enumerate(entries)
    ]
    written = yaml_of(entries)
    remedy = f"Write `{key}: {written}`, or set it with: {' && '.join(commands)}"
    return Fault(key, shown(text), "a list", remedy)


def _digitalocean_configuration(raw: Mapping[str, str]) -> dict[str, Any]:
    """Return what says where DigitalOcean is and who asks."""
    endpoint, token = raw.get("digitalocean:apiEndpoint"), raw.get("digitalocean:token")
    return ({"apiEndpoint": endpoint} if endpoint else {}) | (
        {"token": Secret(token)} if token else {}
    )


# ---- the arguments of a component ---------------------------------------------------------------


def from_arguments(name: str, arguments: DualStackEdgeArgs) -> Settings:
    """Turn the arguments of a `DualStackEdge` into settings, by the rules of the configuration.

    Args:
        name: Name of the edge.
        arguments: Its arguments, from a program in whatever language.

    Returns:
        The settings, valid as a whole; the provider's arguments are in `aws`.

    Raises:
        SettingsError: Something is missing, unknown or not allowed; lists every fault.
    """
    by_name = dict(cast("Mapping[str, Any]", arguments))
    provider = cast("Mapping[str, Any]", by_name.pop("provider_arguments", None) or {})
    given = {
        to_camel(key): _argument(to_camel(key), value)
        for key, value in by_name.items()
        if value is not None and value not in ("", {})
    }
    values, problems = check(given)
    if problems:
        faults = [as_argument(problem) for problem in problems]
        raise SettingsError(f"{len(faults)} of the arguments of {name} cannot be used", faults)
    return _settings(
        values,
        {
            _PROVIDER_ARGUMENTS.get(key, (key,))[0]: _whole_number(value)
            for key, value in provider.items()
        },
    )


def _argument(key: str, value: Any) -> Any:
    """Return an argument as JSON would hold it, or what is wrong with it."""
    try:
        return _plain(value)
    except TypeError:
        allowed = "a plain value, known before anything is made"
        return Problem((key,), "an output, or holds one", allowed, SET)


def _plain(value: Any) -> Any:
    """Return a value with the configuration's own spelling of keys and whole numbers.

    Raises:
        TypeError: It is not plain.
    """
    match value:
        case Mapping():
            items = cast("Mapping[str, Any]", value).items()
            return {to_camel(key): _plain(item) for key, item in items if item is not None}
        case str():
            return _whole_text(value)
        case list() | tuple():
            return [_plain(item) for item in cast("Sequence[Any]", value)]
        case int() | float() | None:
            return _whole_number(value)
        case _:
            raise TypeError(value)


def _whole_number(value: Any) -> Any:
    """Return an integer for a float that is one: other languages' numbers all are floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# ---- both ---------------------------------------------------------------------------------------


def _whole_text(text: str) -> str:
    """Return a text without halves of surrogate pairs."""
    return text.encode(errors="replace").decode()


def _settings(
    values: Mapping[str, Any],
    provider: Mapping[str, Any],
    digitalocean: Mapping[str, Any] = _NOTHING,
) -> Settings:
    """Return settings of values that were checked."""
    named = {to_snake(key): value for key, value in values.items()}
    return Settings.model_construct(**named, aws=provider, digitalocean=digitalocean)
