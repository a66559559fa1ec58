"""Passwords.

Source: hashicorp/terraform-provider-random, `internal/provider/resource_password.go` and
`internal/random/string.go`.
"""

import secrets
import string
from collections.abc import Iterator
from typing import Final

from sandbox.plugins.resource import EngineTask, Failure, Present, Shape, StandIn
from sandbox.plugins.values import Props

SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
"""The special characters."""

_ID = "none"
"""The id of every password; the result itself is none, since ids are not secret."""

_RESULT = "result"


class NoSession:
    """A configured provider; there is nothing to be reached."""


class RandomPasswordStandIn(StandIn[NoSession]):
    """A random password: `random:index/randomPassword:RandomPassword`.

    Every input needs a new one; `keepers` are there to ask for that: change one, and there is a new
    password. The engine makes the new one before it deletes the old, and deleting makes nobody
    forget a password that was used. It is imported by its own text (`pulumi import ... TEXT`).

    Where it differs: it is of letters, digits and, unless `special` is false, special characters;
    other choices of characters are refused. There is no `bcryptHash`.
    """

    type_name = "random:index/randomPassword:RandomPassword"
    shape = Shape(
        defaults={"special": True},
        replaces=frozenset({"keepers", "length", "special"}),
        refused=frozenset(
            {"lower", "minLower", "minNumeric", "minSpecial", "minUpper", "number", "numeric"}
            | {"overrideSpecial", "upper"}
        ),
        official=frozenset({"lower", "number", "numeric", "upper"}),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield a length that no password has."""
        length = inputs["length"]
        if isinstance(length, int) and length < 1:
            yield Failure("length", f"length is {length}; 1 or more is allowed. Raise it.")

    def create(self, call: EngineTask[NoSession], inputs: Props) -> str:
        """Draw a password, each character by the operating system's generator."""
        special = SPECIAL if inputs["special"] else ""
        characters = string.ascii_letters + string.digits + special
        drawn = (secrets.choice(characters) for _ in range(inputs["length"]))
        call.notes[_RESULT] = "".join(drawn)
        return _ID

    def read(self, call: EngineTask[NoSession], resource_id: str, prior: Props) -> Present:
        """Return the state as it is; no cloud has more."""
        if not prior:
            imported: Props = {_RESULT: resource_id, "length": len(resource_id)}
            return _ID, {**self.shape.defaults, **imported}
        state = {name: value for name, value in prior.items() if name != "id"}
        return _ID, state | call.notes

    def delete(self, _call: EngineTask[NoSession], _resource_id: str, _state: Props) -> None:
        """Do nothing: the password is forgotten with the state."""
