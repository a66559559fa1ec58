"""What a user gives: weights, times, a population file. Every fault is kept."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, cast

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.faults import Fault, fault_of, path_of, shown
from rollout.simulate.bounds import Bounds
from rollout.simulate.population import (
    DAY,
    MOST_SECONDS,
    AddressFamilies,
    Clients,
    Population,
    Resolvers,
)
from rollout.simulate.presets import PRESETS
from rollout.simulate.scene import WHOLE

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_TIME: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")


class Reader:
    """Reads what is given, and keeps what is wrong with it."""

    def __init__(self) -> None:
        """Begin without a fault."""
        self.faults: list[Fault] = []

    def fault(self, what: str, value: str, allowed: str, remedy: str) -> None:
        """Keep a fault."""
        self.faults.append(Fault(what, value, allowed, remedy))

    def weights(self, option: str, text: str | None, example: str) -> int | None:
        """Return the weight of cdn of a pair; None: it is none, which is kept as a fault."""
        allowed = "it should be the weights of direct and cdn, integers that add up to 100"
        if text is None:
            self.fault(option, "not given", allowed, f"Add {option} {example}, or --stack NAME.")
            return None
        match = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})", text.strip())
        if match is None:
            self.fault(option, shown(text), allowed, f"Write for example: {option} {example}")
            return None
        direct, cdn = int(match[1]), int(match[2])
        if direct + cdn != WHOLE:
            least = min(cdn, WHOLE)
            self.fault(
                option,
                f"{text}, which adds up to {direct + cdn}",
                allowed,
                f"Write for example: {option} {WHOLE - least}/{least}",
            )
            return None
        return cdn

    def seconds(self, option: str, text: str, least: float = 0) -> float | None:
        """Return a time in seconds; a unit may follow: s, m, h, d."""
        match = _TIME.fullmatch(text.strip())
        value = float(match[1]) * _UNITS[match[2]] if match else None
        if value is None or not least <= value <= MOST_SECONDS:
            allowed = f"it should be a time from {least:g} s to {MOST_SECONDS / DAY:g} d"
            self.fault(option, shown(text), allowed, f"Write for example: {option} 60, or 15m")
            return None
        return value

    def number(
        self, option: str, value: float, least: float, most: float, example: str
    ) -> float | None:
        """Return a number above its least and up to its most."""
        if not least < value <= most:
            allowed = f"it should be above {least:g} and at most {most:g}"
            self.fault(option, f"{value:g}", allowed, f"Write for example: {option} {example}")
            return None
        return value

    def bounds(self, texts: Sequence[str]) -> Bounds:
        """Return the bounds of exposure that are given as NAME=VALUE."""
        values: dict[str, int] = {}
        for text in texts:
            name, _, number = text.partition("=")
            if name not in ("requests", "clients", "largestRefresh") or not re.fullmatch(
                r"[1-9][0-9]{0,11}", number
            ):
                allowed = (
                    "it should be requests, clients or largestRefresh, and after = a positive "
                    "integer: clients in percent"
                )
                example = "Write for example: --bound requests=100000"
                self.fault("--bound", shown(text), allowed, example)
                continue
            if name == "clients" and int(number) > WHOLE:
                allowed = "it should be from 1 to 100 percent"
                self.fault(
                    "--bound clients", number, allowed, "Write for example: --bound clients=50"
                )
                continue
            values[name] = int(number)
        clients = values.get("clients")
        return Bounds(
            values.get("requests"),
            None if clients is None else clients / WHOLE,
            values.get("largestRefresh"),
        )

    def population(self, name: str) -> Population | None:
        """Return the population of a name, or of a file."""
        if name in PRESETS:
            return PRESETS[name]
        path = Path(name)
        looks_like_file = path.suffix in (".json", ".yaml", ".yml") or "/" in name
        if not looks_like_file and not path.is_file():
            near = get_close_matches(name, PRESETS, n=1)
            self.fault(
                "--population",
                shown(name),
                f"it should be one of {', '.join(PRESETS)}, or a file",
                f"Write --population {near[0] if near else 'web'}, or the path of a file "
                "(docs/simulate.md).",
            )
            return None
        try:
            given: object = yaml.safe_load(path.read_bytes().decode())
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            self.fault(
                f"--population {name}",
                f"not readable ({' '.join(str(error).split())})",
                "it should be a file in JSON or YAML",
                "Its schema is docs/schemas/population.json.",
            )
            return None
        try:
            # By the names of the schema alone, without those that Python has for them.
            return Population.model_validate(given, by_alias=True, by_name=False)
        except ValidationError as error:
            errors = error.errors()
            # Of a union pydantic has a fault for each member; that of a list says which entry.
            faults = (
                _fault_in(name, item)
                for item in errors
                if not (item["type"] == "literal_error" and isinstance(item["input"], list))
            )
            self.faults += dict.fromkeys(faults)
            if all(item["loc"] for item in errors):
                self._share_faults(name, mapping(given))
            return None

    def _share_faults(self, file: str, given: Mapping[str, Any]) -> None:
        """Keep sums of shares that are not 1, which pydantic looks at where all else is right."""
        for kind in ("resolvers", "clients"):
            entries = given.get(kind)
            shares = [
                mapping(each).get("share")
                for each in (cast("list[Any]", entries) if isinstance(entries, list) else [])
            ]
            numbers = [each for each in shares if isinstance(each, int | float)]
            if shares and len(numbers) == len(shares) and not math.isclose(sum(numbers), 1):
                what = f"The sum of the shares of {kind} in {file}"
                self.fault(what, f"{sum(numbers):g}", "it should be 1", "Change one of them.")


def _fault_in(file: str, error: ErrorDetails) -> Fault:
    """Return what is wrong at one place of a population file."""
    # pydantic names the member of a union that it tried, which is nowhere in the file.
    loc = [step for step in error["loc"] if not str(step).startswith(("literal[", "tuple["))]
    what = f"{path_of(loc) or 'The population'} in {file}"
    remedy = "Mend it; docs/schemas/population.json says what there is."
    if error["type"] == "extra_forbidden":
        near = get_close_matches(str(loc[-1]), _keys_at(loc[:-1]), n=1)
        remedy = f"Write {near[0]}." if near else f"Remove it. {remedy}"
    allowed = ""
    if loc[-1:] == ["sizes"]:
        near = get_close_matches(str(error["input"]), ("equal", "zipf"), n=1)
        allowed = "it should be equal, zipf, or a list of the part that each cache has"
        remedy = f"Write {near[0]}." if near else remedy
    if error["type"] == "model_type" and not loc:
        allowed = "it should be an object with name, resolvers and clients"
    return fault_of(error, what, remedy, allowed=allowed)


def _keys_at(loc: Sequence[str | int]) -> list[str]:
    """Return the keys that an object of a population file may have."""
    models: dict[str, type[BaseModel]] = {
        "resolvers": Resolvers,
        "clients": Clients,
        "families": AddressFamilies,
    }
    model = models.get(str(loc[0])) if loc else Population
    fields = model.model_fields.values() if model else ()
    return [str(field.alias) for field in fields]


def population_schema() -> str:
    """Return the JSON schema of a population file, `docs/schemas/population.json`."""
    return json.dumps(Population.model_json_schema(by_alias=True), indent=2) + "\n"


def mapping(value: Any) -> dict[str, Any]:
    """Return an object; an empty one where it is none."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
