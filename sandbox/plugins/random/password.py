"""Passwords.

Source: hashicorp/terraform-provider-random, `internal/provider/resource_password.go` and
`internal/random/string.go`.
"""

import secrets
import string
from collections.abc import Iterator
from typing import Final

from sandbox.plugins.resource import EngineTask, Failure, Shape, StandIn
from sandbox.plugins.values import Props, has_unknown

SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
"""The special characters where the program names none."""

_CLASSES: Final = {
    "upper": ("minUpper", string.ascii_uppercase),
    "lower": ("minLower", string.ascii_lowercase),
    "numeric": ("minNumeric", string.digits),
    "special": ("minSpecial", SPECIAL),
}
_ID = "none"
"""The id of every password; the result itself is none, since ids are not secret."""

_RESULT = "result"


def password(inputs: Props) -> str:
    """Return a random text of a length, with so many characters of each class at least.

    Every character, and the place of each, is drawn by the operating system's generator.
    """
    alphabets = _alphabets(inputs)
    drawn = [
        secrets.choice(alphabet)
        for name, (_, alphabet) in alphabets.items()
        for _ in range(inputs.get(_CLASSES[name][0], 0))
    ]
    allowed = "".join(alphabet for used, alphabet in alphabets.values() if used)
    drawn += [secrets.choice(allowed) for _ in range(inputs["length"] - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)


def _alphabets(inputs: Props) -> dict[str, tuple[bool, str]]:
    """Return for each class whether it is used, and its characters."""
    alphabets = {name: (bool(inputs.get(name)), chars) for name, (_, chars) in _CLASSES.items()}
    own: str = inputs.get("overrideSpecial") or SPECIAL
    return alphabets | {"special": (alphabets["special"][0], own)}


class NoSession:
    """A configured provider; there is nothing to be reached."""


class RandomPasswordStandIn(StandIn[NoSession]):
    """A random password: `random:index/randomPassword:RandomPassword`.

    Every input needs a new one; `keepers` are there to ask for that: change one, and there is a new
    password. The engine makes the new one before it deletes the old, and deleting makes nobody
    forget a password that was used. It is imported by its own text (`pulumi import ... TEXT`).

    Where it differs: there is no `bcryptHash`. `number` is refused, the old name of `numeric`. A
    class that is switched off has no least number, which the official plugin allows.
    """

    type_name = "random:index/randomPassword:RandomPassword"
    shape = Shape(
        defaults={
            **dict.fromkeys(_CLASSES, True),
            **{least: 0 for least, _ in _CLASSES.values()},
        },
        replaces=frozenset(
            {"keepers", "length", "number", "overrideSpecial", *_CLASSES}
            | {least for least, _ in _CLASSES.values()}
        ),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what no password can be like."""
        if inputs.get("number") is not None:
            yield Failure("number", "number is set; it was renamed. Set numeric instead.")
        if has_unknown({name: value for name, value in inputs.items() if name != "keepers"}):
            return
        length = inputs["length"]
        leasts = {name: inputs[least] for name, (least, _) in _CLASSES.items()}
        if length < max(1, sum(leasts.values())):
            yield Failure(
                "length",
                f"length is {length}; {max(1, sum(leasts.values()))} or more is allowed, for all "
                "that minUpper, minLower, minNumeric and minSpecial ask for. Raise it.",
            )
        if not any(inputs[name] for name in _CLASSES):
            yield Failure(
                "upper", "upper, lower, numeric and special are all false; one is needed. Set one."
            )
        for name, count in leasts.items():
            least = _CLASSES[name][0]
            if count < 0:
                yield Failure(least, f"{least} is {count}; 0 or more is allowed.")
            elif count and not inputs[name]:
                yield Failure(least, f"{least} is {count}, but {name} is false. Drop one of them.")

    def create(self, call: EngineTask[NoSession], inputs: Props) -> str:
        """Draw a password."""
        call.notes[_RESULT] = password(inputs)
        return _ID

    def read(
        self, call: EngineTask[NoSession], resource_id: str, prior: Props
    ) -> tuple[str, Props] | None:
        """Return the state as it is; no cloud has more."""
        if not prior:
            imported: Props = {_RESULT: resource_id, "length": len(resource_id)}
            return _ID, {**self.shape.defaults, **imported}
        state = {name: value for name, value in prior.items() if name != "id"}
        return _ID, state | call.notes

    def delete(self, call: EngineTask[NoSession], resource_id: str, state: Props) -> None:
        """Do nothing: the password is forgotten with the state."""
        del call, resource_id, state
