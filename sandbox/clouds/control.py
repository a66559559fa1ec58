"""The control surface of a cloud: what a test asks of the sandbox itself.

All of it is below `PATH`, needs no token and counts for no limit:

- `GET settings`, `PUT settings` (changes those that are named), `POST reset` (begins again).
- `PUT snapshot/<name>` keeps the whole state in a file, settings included. `PUT restore/<name>`
  puts it in place of what is there, in this process or in another of the same cloud: no address of
  the process is part of the state. A test that begins with a deployed stack restores one instead of
  deploying it.
- `GET changes` is a text that is another one as soon as anything in the account has changed.

A state is a pickle, and reading a pickle can run code. So it never comes from the request: a client
says a name, and the file lies in a folder that only the user who started the cloud can write to.
"""

import os
import pickle
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Request, Response

PATH: Final = "/dualstack-sandbox/"
"""Below this path the sandbox itself answers."""

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""What a snapshot may be called; it becomes part of a file name."""

CONTROLS: Final = (
    "GET settings",
    "PUT settings",
    "POST reset",
    "PUT snapshot/<name>",
    "PUT restore/<name>",
    "GET changes",
)


AnySettings = TypeVar("AnySettings", bound=BaseModel)


class CloudState(Protocol[AnySettings]):
    """The state of a cloud."""

    settings: AnySettings
    """How slow and strict the cloud is; frozen."""

    def state(self) -> object:
        """Return all that the account holds, as something that can be pickled."""
        ...

    def put_state(self, state: Any, /) -> None:
        """Hold what `state` returned, and nothing else."""
        ...


class ControlError(Exception):
    """A request to the control surface that is not carried out; nothing has changed."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        """Keep the status of the answer and its text."""
        super().__init__(message)
        self.status = status


class Control(Generic[AnySettings]):
    """Answers requests to the control surface; guard it with the cloud's lock.

    Attributes:
        changes: How often anything in the account has changed; the cloud adds to it.
    """

    def __init__(
        self,
        account: CloudState[AnySettings],
        reset: Callable[[], None],
        snapshots: Path | None,
        also: tuple[str, ...] = (),
    ) -> None:
        """Control an account.

        Args:
            account: The state.
            reset: Empties the account and seeds it again.
            snapshots: Folder of the snapshots, made when it is needed; None: none can be kept.
            also: Controls that the cloud answers by itself: `GET scopes`.
        """
        self.changes = 0
        self._account = account
        self._reset = reset
        self._snapshots = snapshots
        self._controls = (*CONTROLS, *also)

    def answer(self, request: Request, by_itself: str = "") -> Response:
        """Answer a request: with the settings, unless it asks for something else.

        Args:
            request: One below `PATH`.
            by_itself: What changes in the account without a request; part of `GET changes`.
        """
        try:
            match (request.method, *request.path.removeprefix(PATH).split("/")):
                case ("GET", "settings"):
                    pass
                case ("PUT", "settings"):
                    self._change_settings(request.get_data())
                case ("POST", "reset"):
                    self._reset()
                    self.changes += 1
                case ("PUT", "snapshot", name):
                    self._keep(self._file(name))
                case ("PUT", "restore", name):
                    self._restore(self._file(name))
                case ("GET", "changes"):
                    return Response(f"{self.changes}{by_itself}", mimetype="text/plain")
                case _:
                    return Response(
                        f"{request.method} {request.path} is unknown; below {PATH} there are "
                        f"{', '.join(self._controls[:-1])} and {self._controls[-1]}.",
                        HTTPStatus.NOT_FOUND,
                    )
        except ControlError as fault:
            return Response(str(fault), fault.status)
        return Response(self._account.settings.model_dump_json(), mimetype="application/json")

    def _change_settings(self, body: bytes) -> None:
        settings = self._account.settings
        try:
            sent = type(settings).model_validate_json(body)
        except ValidationError as fault:
            raise ControlError(HTTPStatus.BAD_REQUEST, str(fault)) from fault
        changed = {name: getattr(sent, name) for name in sent.model_fields_set}
        self._account.settings = settings.model_copy(update=changed)

    def _file(self, name: str) -> Path:
        if self._snapshots is None:
            raise ControlError(
                HTTPStatus.NOT_FOUND, "snapshots are not kept; start the cloud with --snapshots."
            )
        if not NAME.fullmatch(name):
            raise ControlError(
                HTTPStatus.NOT_FOUND, f"the snapshot is {name!r}; a name is like {NAME.pattern}."
            )
        return self._snapshots / f"{name}.pickle"

    def _keep(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        unfinished.write_bytes(pickle.dumps(self._account.state()))
        unfinished.replace(path)

    def _restore(self, path: Path) -> None:
        try:
            state: object = pickle.loads(path.read_bytes())  # noqa: S301 a file of the user's own
        except FileNotFoundError as fault:
            raise ControlError(
                HTTPStatus.NOT_FOUND,
                f"the snapshot is {path.stem!r}; there is no {path}. "
                f"PUT {PATH}snapshot/{path.stem} makes it.",
            ) from fault
        self._account.put_state(state)
        self.changes += 1
