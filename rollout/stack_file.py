"""A stack's configuration, read and written as the YAML file it is, without Pulumi's engine.

A rollback may be due when there is no engine, no plugin and no backend. The names that it moves,
their zone and the weights are in `Pulumi.<stack>.yaml`; where they are not, in the project's
`Pulumi.yaml`. What an environment of Pulumi ESC or a secret holds is not there to be read.

Weights are written by exchanging their characters in the text, so that comments, order and spaces
stay, and into a file beside the old one that then takes its place, so that a full disk or a kill
leaves the old one. Pulumi itself writes in place.

Source: Pulumi docs, 'Stack settings file', 'Project file reference' (stackConfigDir).
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

from components.faults import Fault, shown
from rollout.edge import dns_name
from rollout.faults import WrongUseError
from rollout.records.weights import Weights

NAMESPACE: Final = "dualstack-edge"
"""Namespace of the settings in a stack's file."""

_BY_HAND: Final = "Give --zone and --hostname instead."


@dataclass(frozen=True)
class StackFile:
    """The file of a stack, and its project's."""

    path: Path
    """The stack's file."""
    text: str
    """What it says."""
    project: Mapping[str, Any]
    """What the project's file says."""
    otherwise: str = _BY_HAND
    """What to do where it does not say what is needed."""

    @property
    def hostnames(self) -> tuple[str, ...]:
        """Names of the API.

        Raises:
            WrongUseError: They are not in the file, or no names.
        """
        value = self._value("hostnames")
        names = _sequence(value)
        with suppress(ValueError):
            if hostnames := tuple(dict.fromkeys(dns_name(str(name)) for name in names)):
                return hostnames
        raise self._unusable("hostnames", value, "a list of DNS names")

    @property
    def zone(self) -> str:
        """Name of the hosted zone.

        Raises:
            WrongUseError: It is not in the file, or no name.
        """
        value = self._value("zone")
        with suppress(ValueError):
            return dns_name(str(value))
        raise self._unusable("zone", value, "the name of a hosted zone")

    @property
    def weights(self) -> Weights | None:
        """The weights that it says; None: it says none that can be read, and the default holds."""
        match self._value("traffic"):
            case {"direct": int(direct), "cdn": int(cdn)}:
                return Weights(direct, cdn)
            case _:
                return None

    @property
    def is_locked(self) -> bool:
        """Whether the origin is locked: then users of the old path may be refused."""
        return bool(self._value("originLock"))

    def setting(self, key: str) -> object:
        """Return what stands under a setting, read where it is JSON in a text; None: nothing."""
        return self._value(key)

    @property
    def switch_url(self) -> str:
        """Address of the kill switch's object.

        Raises:
            WrongUseError: It is not in the file, or no address.
        """
        value = _mapping(self._value("killSwitch")).get("url")
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return value
        raise self._unusable("killSwitch.url", value, "the address of the kill switch's object")

    @property
    def declared(self) -> str:
        """Which records of the hostnames the stack declares: `weighted`, `none` or `simple`."""
        return str(_mapping(self._value("dns")).get("records") or "weighted")

    @property
    def balancer_zone_id(self) -> str | None:
        """The load balancer's hosted zone, where the settings name it."""
        return _mapping(self._value("origin")).get("hostedZoneId")

    def with_weights(self, weights: Weights) -> str:
        """Return the text with other weights.

        Raises:
            WrongUseError: The text has them in a way that is not safe to change.
        """
        values = {"direct": weights.direct, "cdn": weights.cdn}
        return self._with("traffic", values, lines(weights))

    def with_declared(self, records: str) -> str:
        """Return the text in which the stack declares other records.

        Args:
            records: `weighted`, `none` or `simple`.

        Raises:
            WrongUseError: The text has it in a way that is not safe to change.
        """
        return self._with("dns", {"records": records}, declared_lines(records))

    def _with(self, setting: str, values: Mapping[str, object], by_hand: str) -> str:
        """Return the text with other values of a setting that is an object."""
        changed = _exchanged(self.text, self._keys(setting), values)
        # Whatever the text looks like, what it means has to be the same but for the values.
        before = _plain(self.text)
        try:
            after = _plain(changed)
        except (yaml.YAMLError, TypeError):
            after = None
        config = cast("dict[str, object]", before.setdefault("config", {}))
        keys = self._keys(setting)
        key = next((key for key in keys if key in config), keys[0])
        config[key] = {**_mapping(_read(config.get(key))), **values}
        if before != after:
            raise WrongUseError(
                [
                    Fault(
                        str(self.path),
                        f"written in a way in which {key} cannot be changed alone",
                        "it has to be a plain mapping under config",
                        f"Write these lines into it by hand:\n{by_hand}",
                    )
                ]
            )
        return changed

    def write(self, text: str) -> "StackFile":
        """Put another text into its place, whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        path = self.path.resolve()
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return StackFile(self.path, text, self.project, self.otherwise)

    def _keys(self, setting: str) -> tuple[str, ...]:
        """Return the keys of a setting; one without a namespace is the project's own."""
        own = (setting,) if self.project.get("name") == NAMESPACE else ()
        return (f"{NAMESPACE}:{setting}", *own)

    def _value(self, setting: str) -> object:
        config = _mapping(_plain(self.text).get("config"))
        for key in self._keys(setting):
            if key in config:
                return _read(config[key])
        declared = _mapping(self.project.get("config"))
        for key in self._keys(setting):
            one = declared.get(key)
            for field in ("value", "default"):
                if isinstance(one, Mapping) and field in one:
                    return _read(cast("Mapping[str, object]", one)[field])
        return None

    def _unusable(self, setting: str, value: object, allowed: str) -> WrongUseError:
        text = "not set" if value in (None, "", []) else shown(value)
        if isinstance(value, Mapping) and "secure" in value:
            text = "[secret]"
        return WrongUseError(
            [
                Fault(
                    f"{NAMESPACE}:{setting} in {self.path}",
                    text,
                    f"it should be {allowed}, in plain text",
                    self.otherwise,
                )
            ]
        )


def find_stack_file(stack: str, folder: Path, otherwise: str = _BY_HAND) -> StackFile:
    """Return the file of a stack of the project that a folder is in.

    Args:
        stack: The stack's name; organization and project before it do not matter.
        folder: Where to begin; the project's file is there or above.
        otherwise: What to do where it is not there, or does not say what is needed.

    Raises:
        WrongUseError: There is no project or no such file, or it is no YAML.
    """
    folder = folder.resolve()
    name = stack.rpartition("/")[2]
    projects = [
        path
        for parent in (folder, *folder.parents)
        for suffix in ("yaml", "yml")
        if (path := parent / f"Pulumi.{suffix}").is_file()
    ]
    if not projects:
        raise _not_there("Pulumi.yaml", folder, "the project of the stack", otherwise)
    text, project = _file(projects[0], otherwise)
    place = project.get("stackConfigDir") or ""
    for suffix in ("yaml", "yml"):
        path = projects[0].parent / str(place) / f"Pulumi.{name}.{suffix}"
        if path.is_file():
            text, _ = _file(path, otherwise)
            return StackFile(path, text, project, otherwise)
    folder = projects[0].parent / str(place)
    raise _not_there(f"Pulumi.{name}.yaml", folder, "the stack's settings", otherwise)


def lines(weights: Weights) -> str:
    """Return the lines of a stack's file that say the weights."""
    return f"config:\n  {NAMESPACE}:traffic:\n    direct: {weights.direct}\n    cdn: {weights.cdn}"


def declared_lines(records: str) -> str:
    """Return the lines of a stack's file that say which records it declares."""
    return f"config:\n  {NAMESPACE}:dns:\n    records: {records}"


def _not_there(name: str, folder: Path, what: str, otherwise: str) -> WrongUseError:
    return WrongUseError(
        [
            Fault(
                f"{name} in {folder}",
                "not there",
                f"it should be {what}",
                f"Run this in the project's folder. {otherwise}",
            )
        ]
    )


def _file(path: Path, otherwise: str) -> tuple[str, dict[str, Any]]:
    try:
        text = path.read_bytes().decode()
        return text, _plain(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError) as error:
        raise WrongUseError(
            [
                Fault(
                    str(path),
                    f"not readable ({' '.join(str(error).split())})",
                    "it should be a file of Pulumi's in YAML",
                    f"Mend it. {otherwise}",
                )
            ]
        ) from error


def _plain(text: str) -> dict[str, Any]:
    """Return what a text says.

    Raises:
        TypeError: It is not a mapping.
        yaml.YAMLError: It is no YAML.
    """
    value: object = yaml.safe_load(text)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError("it is no mapping")
    return cast("dict[str, Any]", value)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list) else ()


def _read(value: object) -> object:
    """Return a value; Pulumi takes objects and lists as JSON in a text, too."""
    if isinstance(value, str) and value[:1] in "[{":
        with suppress(ValueError):
            return json.loads(value)
    return value


# ---- text ---------------------------------------------------------------------------------------


def _exchanged(text: str, keys: Sequence[str], values: Mapping[str, object]) -> str:
    """Return a text with other values of a mapping, and everything else as it is."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    config = _child(root, ("config",))
    setting = _child(config, keys)
    scalars = {name: _child(setting, (name,)) for name in values}
    flow = f"{{{', '.join(f'{name}: {value}' for name, value in values.items())}}}"
    if all(isinstance(node, yaml.ScalarNode) for node in scalars.values()):
        spans = [(node, str(values[name])) for name, node in scalars.items() if node]
        for node, value in sorted(spans, key=lambda span: -span[0].start_mark.index):
            text = _replaced(text, node, value)
        return text
    if isinstance(setting, yaml.MappingNode) and setting.value and not any(scalars.values()):
        first = cast("yaml.Node", setting.value[0][0]).start_mark
        between = ", " if setting.flow_style else f"\n{' ' * first.column}"
        added = "".join(f"{name}: {value}{between}" for name, value in values.items())
        return f"{text[: first.index]}{added}{text[first.index :]}"
    if setting is not None:
        # A block ends where the next key begins, so what is between belongs to that.
        return _replaced(text, setting, flow)
    entry = f"{keys[0]}: {flow}"
    if isinstance(config, yaml.MappingNode) and config.value and not config.flow_style:
        first = cast("yaml.Node", config.value[0][0]).start_mark
        return f"{text[: first.index]}{entry}\n{' ' * first.column}{text[first.index :]}"
    if config is not None:
        return text  # an empty or flow mapping: what is to be written is shown instead
    begin = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{begin}config:\n  {entry}\n"


def _replaced(text: str, node: yaml.Node, value: str) -> str:
    begin, end = node.start_mark.index, node.end_mark.index
    tail = re.search(r"\s*\Z", text[begin:end])
    space = tail.group() if tail and isinstance(node, yaml.MappingNode) else ""
    before = " " if text[begin - 1 : begin] == ":" else ""  # of a key without a value
    return f"{text[:begin]}{before}{value}{space}{text[end:]}"


def _child(node: yaml.Node | None, keys: Sequence[str]) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        for key, value in pairs:
            if key.value in keys:
                return value
    return None
