"""What a package says about its resources and functions, and what they are given to work with."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Generic, TypeAlias, TypeVar

from sandbox.plugins import schema
from sandbox.plugins.schema import ClassRef
from sandbox.plugins.values import Props

S = TypeVar("S")
"""The session of a package: how a configured provider reaches its cloud."""

_FIRST_PAUSE_SECONDS = 0.1
_SLOWER = 1.2
_LONGEST_PAUSE_SECONDS = 15.0
"""The official plugins ask about slow things every 15 seconds at the most often."""


Present: TypeAlias = tuple[str, Props] | None
"""The id and the state of a resource, or that there is none."""


class PluginError(Exception):
    """A message for the user: it names what failed, and says why."""


class WaitError(PluginError):
    """What was waited for did not happen in time."""


class CancelledError(PluginError):
    """The engine asked for everything to stop; what was waited for may still happen."""


@dataclass(frozen=True)
class Failure:
    """One thing wrong with the inputs of a resource.

    Attributes:
        path: The property, `origins[0].domainName`.
        reason: What is wrong and what would be right.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Shape:
    """What the official plugin's schema says about properties beyond what the SDK's classes say.

    Properties are named by their path without the indices of lists:
    `origins.customOriginConfig.httpPort`.

    Attributes:
        defaults: What the plugin fills in where the program says nothing.
        computed: What the cloud fills in where the program says nothing; whatever the cloud chose
            is then no difference.
        sets: Lists whose order says nothing, each with the field that identifies an item (empty
            for plain values).
        replaces: Properties whose change needs a new resource.
        switches: Properties whose coming or going, but not their change, needs a new resource.
        same: How to spell a value so that equal meanings compare equal.
        allowed: The values a property may have: a range of whole numbers, or a collection.
        carried: Inputs the cloud's API knows nothing of; they live in the state alone.
        filled: Texts that may be left out, but not be empty.
        refused: Inputs that the official plugin takes, and the stand-in does not.
        official: Those of `refused` that the official plugin has in a state although the program
            says nothing: a state that it wrote shows no difference here.
    """

    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    computed: frozenset[str] = frozenset()
    sets: Mapping[str, str] = field(default_factory=dict[str, str])
    replaces: frozenset[str] = frozenset()
    switches: frozenset[str] = frozenset()
    same: Mapping[str, Callable[[str], str]] = field(
        default_factory=dict[str, Callable[[str], str]]
    )
    allowed: Mapping[str, Collection[Any]] = field(default_factory=dict[str, Collection[Any]])
    carried: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    official: frozenset[str] = frozenset()


@dataclass(frozen=True)
class EngineTask(Generic[S]):
    """The surroundings of one request of the engine.

    Attributes:
        session: How to reach the cloud.
        timeout_seconds: The program's `customTimeouts` for this operation; 0 where it gives none.
        cancelled: Set when the engine wants everything to stop.
        notes: What `create` or `update` leave for `settle`: the id of a change to wait for.
    """

    session: S
    timeout_seconds: float
    cancelled: Event
    notes: Props = field(default_factory=dict[str, Any])

    def wait(self, what: str, done: Callable[[], bool], default_timeout_seconds: float) -> None:
        """Ask the cloud again and again, ever more slowly, until something is so.

        Args:
            what: What is waited for, for the message: "CloudFront Distribution (E1) to deploy".
            done: Asks the cloud.
            default_timeout_seconds: How long to ask where the program does not say.

        Raises:
            WaitError: it is not so in time.
            CancelledError: the engine asked to stop.
        """
        timeout_seconds = self.timeout_seconds or default_timeout_seconds
        deadline = time.monotonic() + timeout_seconds
        pause = _FIRST_PAUSE_SECONDS
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitError(
                    f"waited {timeout_seconds:g} s for {what}; it did not happen. "
                    "Run `pulumi up` again to wait on, or give it longer with `customTimeouts`."
                )
            if self.cancelled.wait(min(pause, left)):
                raise CancelledError(
                    f"stopped waiting for {what}: the engine stops. Run `pulumi up` to go on."
                )
            pause = min(pause * _SLOWER, _LONGEST_PAUSE_SECONDS)


class StandIn(ABC, Generic[S]):
    """A resource type: what its inputs look like, and how it is made, read, changed and removed.

    The state of a resource is everything the cloud says about it in the SDK's words, its inputs
    among it, so the program and the cloud can be compared property by property.
    """

    type_name: str
    """The engine's name of it: `aws:route53/record:Record`."""

    shape: Shape

    auto_named: bool = False
    """Whether a `name` that the program leaves out is made of the resource's; see `naming`."""

    @property
    def args(self) -> ClassRef:
        """The SDK's class of the inputs."""
        return ClassRef.of(self.type_name, "{}Args")

    @property
    def outputs(self) -> ClassRef:
        """The SDK's class of all properties."""
        return ClassRef.of(self.type_name, "_{}State")

    # Positional, so that a method may give an argument that it does not need a name like `_this`.

    def prepare(self, _session: S, inputs: Props, /) -> Props:
        """Return the inputs with what the provider's own configuration adds to them."""
        return inputs

    def validate(self, _inputs: Props, /) -> Iterable[Failure]:
        """Yield what is wrong with inputs whose types are right: rules between properties.

        Any value may be UNKNOWN; a rule that depends on one yields nothing.
        """
        return ()

    def foresee(self, _session: S, _inputs: Props, /) -> Props:
        """Return the outputs of a new resource that are certain before it is made."""
        return {}

    def completed(self, inputs: Props) -> Props:
        """Return inputs with what the cloud adds, to be compared with a state."""
        return inputs

    @abstractmethod
    def create(self, call: EngineTask[S], inputs: Props, /) -> str:
        """Make the resource and return its id at once, so that it is not lost if a wait fails."""

    def settle(self, _call: EngineTask[S], _resource_id: str, _props: Props, /) -> None:
        """Wait until a resource that was made or changed is ready for use."""

    @abstractmethod
    def read(self, call: EngineTask[S], resource_id: str, prior: Props, /) -> Present:
        """Return the id and the state of a resource as it is now; None when there is none.

        Args:
            call: The surroundings.
            resource_id: The id in the engine's state, or given to `pulumi import`.
            prior: What the engine has of it: its last state, its inputs just after it was made, or
                nothing on import.
        """

    def update(
        self, _call: EngineTask[S], _resource_id: str, _state: Props, _inputs: Props, /
    ) -> None:
        """Change the resource from its last state into what the inputs say.

        Nothing is done here: every change needs a new resource.
        """

    @abstractmethod
    def delete(self, call: EngineTask[S], resource_id: str, state: Props, /) -> None:
        """Remove the resource; one that is gone already is no error."""


@dataclass(frozen=True)
class Function(Generic[S]):
    """A function of a package: a question to the cloud.

    Attributes:
        token: `aws:route53/getZone:getZone`.
        ask: Asks the cloud; what it leaves out of the answer is null.
        takes: The arguments that it takes; the official plugin's others are refused.
    """

    token: str
    ask: Callable[[S, Props], Props]
    takes: frozenset[str]

    @property
    def args(self) -> ClassRef:
        """The SDK's function, whose parameters are the arguments."""
        return ClassRef.of(self.token, schema.snake_case(self.token.rpartition(":")[2]))

    @property
    def result(self) -> ClassRef:
        """The SDK's class of the answer."""
        name = self.token.rpartition(":")[2]
        return ClassRef.of(self.token, f"{name[0].upper()}{name[1:]}Result")

    def answer(self, session: S, args: Props) -> Props:
        """Return the whole answer to checked arguments."""
        answer = self.ask(session, args)
        return {name: answer.get(name) for name in schema.result_names(self.result)}


@dataclass(frozen=True)
class Package(Generic[S]):
    """All that a stand-in offers.

    Attributes:
        name: `aws`, of `pulumi-resource-aws`.
        version: What it says it is; the SDK's, so that the engine finds the two to match.
        config: The SDK's class of the provider's configuration.
        check_config: Yields what is wrong with a configuration whose types are right.
        connect: Makes a session out of a configuration.
        explain: Makes a message out of an exception of the cloud's client.
    """

    name: str
    version: str
    config: ClassRef
    check_config: Callable[[Props], Iterable[Failure]]
    connect: Callable[[Props], S]
    explain: Callable[[Exception], str]
    resources: Mapping[str, StandIn[S]]
    functions: Mapping[str, Function[S]]
