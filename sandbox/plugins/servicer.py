"""The engine's `ResourceProvider` protocol, spoken for a package.

The library's own `pulumi.provider.experimental` is made for components: it cannot say that a
resource was made but did not become ready (the engine then keeps its id in the state), drops
`oldInputs`, and answers every failure with a stack trace. So the protocol is spoken here, decoding,
calling and encoding, and nothing else. Source: pulumi/pulumi, `proto/pulumi/provider.proto`.

Where it differs from the official plugins: no `GetSchema`, so no generated code on
`pulumi import` (use `--generate-code=false`), no `List`, `Construct`, `Call` or `Parameterize`;
secrets are marked by the engine instead of the plugin (see `values`); and an update writes the old
inputs of what `ignoreChanges` names, also where somebody has changed it in the cloud.
"""

import threading
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Generic, NoReturn, TypeVar

import grpc
from google.protobuf import empty_pb2, message
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.plugins import naming, schema
from sandbox.plugins.check import check
from sandbox.plugins.diff import (
    PropertyDifference,
    arrange,
    diff,
    imported,
    refreshed,
)
from sandbox.plugins.messages import (
    abort,
    check_failures,
    diff_response,
    from_json,
    name_of,
    some_changes,
)
from sandbox.plugins.resource import (
    EngineTask,
    Failure,
    Function,
    Package,
    PluginError,
    Shape,
    StandIn,
)
from sandbox.plugins.values import UNKNOWN, Props, decode, encode

S = TypeVar("S")

_RETURN = "return"


class _PartialFailureError(Exception):
    """A resource exists, but is not ready: the engine keeps its state as far as there is one."""

    def __init__(self, resource_id: str, properties: Props, inputs: Props, reason: str) -> None:
        super().__init__(reason)
        self.detail = provider_pb2.ErrorResourceInitFailed(
            id=resource_id,
            properties=encode(properties),
            inputs=encode(inputs),
            reasons=[reason],
        )


def _answering(
    doing: str,
) -> Callable[[Callable[["Servicer[Any]", Any], message.Message]], Callable[..., Any]]:
    """Return a decorator that answers a request, and makes what fails something a user can read.

    Args:
        doing: What the request is for, with `{name}` of its resource, `{token}` or `{package}`.
    """

    def decorated(
        work: Callable[["Servicer[Any]", Any], message.Message],
    ) -> Callable[..., Any]:
        @wraps(work)
        def answer(self: "Servicer[Any]", request: Any, context: Any) -> Any:
            urn, token = getattr(request, "urn", ""), getattr(request, "tok", "")
            words = doing.format(name=urn and name_of(urn), token=token, package=self.package.name)
            try:
                return work(self, request)
            except _PartialFailureError as failure:
                abort(context, f"{words}: {failure}", failure.detail)
            except Exception as error:  # noqa: BLE001 - a plugin answers, whatever happens
                abort(context, f"{words}: {self.explain(error)}", None)

        return answer

    return decorated


class Servicer(provider_pb2_grpc.ResourceProviderServicer, Generic[S]):
    """Answers the engine's requests about the resources and functions of one package."""

    def __init__(self, package: Package[S], stopped: threading.Event | None = None) -> None:
        """Serve a package.

        Args:
            package: What to serve.
            stopped: Set once the engine has asked for everything to stop.
        """
        self.package = package
        self._stopped = stopped or threading.Event()
        self._session: S | None = None

    # The methods below are named by the protocol.

    def Handshake(self, request: Any, context: Any) -> Any:
        """Agree on what the two sides can do."""
        del request, context
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Tell the version."""
        del request, context
        return plugin_pb2.PluginInfo(version=self.package.version)

    def Cancel(self, request: Any, context: Any) -> Any:
        """Make everything that waits stop waiting."""
        del request, context
        self._stopped.set()
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: Any) -> NoReturn:
        """Say that there is none, and what to do without."""
        del request
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            f"the stand-in for the {self.package.name} plugin has no schema, so no code can be "
            "generated. Use `pulumi import --generate-code=false`, or install the official plugin.",
        )
        raise AssertionError("abort raises")

    @_answering("checking the provider {name}")
    def CheckConfig(self, request: Any) -> message.Message:
        """Check the configuration of the provider; the answer has it as it was given."""
        news = decode(request.news)
        _, failures = self._checked_config(news)
        return provider_pb2.CheckResponse(inputs=encode(news), failures=check_failures(failures))

    @_answering("comparing the provider {name}")
    def DiffConfig(self, request: Any) -> message.Message:
        """Compare two configurations; none needs new resources by itself."""
        olds, news = decode(request.olds), decode(request.news)
        changed = [key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key)]
        return provider_pb2.DiffResponse(
            changes=some_changes(changed), diffs=[key for key in changed if key != "version"]
        )

    @_answering("configuring the {package} provider")
    def Configure(self, request: Any) -> message.Message:
        """Take a configuration and be ready to work."""
        given = decode(request.args) or dict(request.variables)
        config, failures = self._checked_config(given)
        if failures:
            raise PluginError("\n".join(failure.reason for failure in failures))
        self._session = self.package.connect(config)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    @_answering("invoking {token}")
    def Invoke(self, request: Any) -> message.Message:
        """Answer a function of the package."""
        function = self._function(request.tok)
        type_ = schema.of_function(function.args)
        shape = Shape(refused=frozenset(type_.fields) - function.takes)
        args, failures = check(request.tok, type_, shape, decode(request.args))
        if failures:
            return provider_pb2.InvokeResponse(failures=check_failures(failures))
        result = encode(function.answer(self._connected(), args))
        # `return` is a word of Python's own, so the field cannot be named in the call.
        response = provider_pb2.InvokeResponse()
        getattr(response, _RETURN).CopyFrom(result)
        return response

    @_answering("checking {name}")
    def Check(self, request: Any) -> message.Message:
        """Check the inputs of a resource and fill in what the program leaves out."""
        resource = self._resource(request.urn)
        type_ = schema.of_class(resource.args)
        news = resource.prepare(self._connected(), decode(request.news))
        if resource.auto_named:
            news = naming.named(request, decode(request.olds), news)
        inputs, failures = check(resource.type_name, type_, resource.shape, news)
        if not failures:
            failures = list(resource.validate(inputs))
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=check_failures(failures))

    @_answering("comparing {name}")
    def Diff(self, request: Any) -> message.Message:
        """Compare the state of a resource with its inputs."""
        resource = self._resource(request.urn)
        state, inputs = decode(request.olds), decode(request.news)
        response = diff_response(_differences(resource, state, inputs, request.ignoreChanges))
        if resource.auto_named and response.replaces:
            response.deleteBeforeReplace = not naming.is_made(request.urn, inputs.get("name"))
        return response

    @_answering("creating {name}")
    def Create(self, request: Any) -> message.Message:
        """Make a resource, or foresee what it would be."""
        resource, inputs = self._resource(request.urn), decode(request.properties)
        if request.preview:
            foreseen = self._foreseen(resource, inputs)
            return provider_pb2.CreateResponse(properties=encode(foreseen))
        call = self._call(request.timeout)
        resource_id = resource.create(call, inputs)
        resource_id, state = self._settled(resource, call, resource_id, inputs, inputs)
        return provider_pb2.CreateResponse(id=resource_id, properties=encode(state))

    @_answering("reading {name}")
    def Read(self, request: Any) -> message.Message:
        """Read a resource as it is now: to refresh its state, or to import it."""
        resource = self._resource(request.urn)
        state, inputs = decode(request.properties), decode(request.inputs)
        present = self._read(resource, self._call(0), request.id, state)
        if present is None:
            return provider_pb2.ReadResponse()
        resource_id, fresh = present
        type_, shape = schema.of_class(resource.args), resource.shape
        fresh_inputs = (
            refreshed(type_, shape, fresh, inputs, _differences(resource, fresh, inputs))
            if inputs
            else imported(type_, shape, fresh)
        )
        return provider_pb2.ReadResponse(
            id=resource_id, properties=encode(fresh), inputs=encode(fresh_inputs)
        )

    @_answering("updating {name}")
    def Update(self, request: Any) -> message.Message:
        """Change a resource, or foresee what it would become."""
        resource = self._resource(request.urn)
        state = decode(request.olds)
        inputs = decode(request.news)
        expected = _left(resource, state) | inputs
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode(expected))
        call = self._call(request.timeout)
        resource.update(call, request.id, state, inputs)
        _, fresh = self._settled(resource, call, request.id, inputs, expected)
        return provider_pb2.UpdateResponse(properties=encode(fresh))

    @_answering("deleting {name}")
    def Delete(self, request: Any) -> message.Message:
        """Remove a resource."""
        resource = self._resource(request.urn)
        resource.delete(self._call(request.timeout), request.id, decode(request.properties))
        return empty_pb2.Empty()

    def explain(self, error: Exception) -> str:
        """Return what failed, for the user."""
        return str(error) if isinstance(error, PluginError) else self.package.explain(error)

    def _checked_config(self, given: Props) -> tuple[Props, list[Failure]]:
        type_ = schema.of_class(self.package.config)
        config = {key: value for key, value in given.items() if key != "version"}
        what = f"the {self.package.name} provider"
        config, failures = check(what, type_, Shape(), from_json(type_, config))
        if not failures:
            failures = list(self.package.check_config(config))
        return config, failures

    def _connected(self) -> S:
        if self._session is None:
            raise PluginError(
                "the provider is not configured; Configure comes before any work. "
                "Run it through the Pulumi engine."
            )
        return self._session

    def _call(self, timeout_seconds: float) -> EngineTask[S]:
        return EngineTask(self._connected(), timeout_seconds, self._stopped)

    def _resource(self, urn: str) -> StandIn[S]:
        token = urn.split("::")[2].rpartition("$")[2]
        if token not in self.package.resources:
            raise PluginError(self._unknown("resource type", token, self.package.resources))
        return self.package.resources[token]

    def _function(self, token: str) -> Function[S]:
        if token not in self.package.functions:
            raise PluginError(self._unknown("function", token, self.package.functions))
        return self.package.functions[token]

    def _unknown(self, what: str, token: str, offered: Iterable[str]) -> str:
        return (
            f"the {what} is {token}; the stand-in for the {self.package.name} plugin knows "
            f"{', '.join(sorted(offered))}. Install the official plugin for others: "
            f"`pulumi plugin install resource {self.package.name}`."
        )

    def _foreseen(self, resource: StandIn[S], inputs: Props) -> Props:
        """Return the state a new resource will have, UNKNOWN where only the cloud can say."""
        input_names = schema.of_class(resource.args).fields.keys()
        outputs = schema.of_class(resource.outputs).fields.keys()
        unknown = [
            name for name in outputs if name not in input_names or name in resource.shape.computed
        ]
        return (
            dict.fromkeys(unknown, UNKNOWN)
            | inputs
            | resource.foresee(self._connected(), inputs)
            | {"id": UNKNOWN}
        )

    def _read(
        self, resource: StandIn[S], call: EngineTask[S], resource_id: str, prior: Props
    ) -> tuple[str, Props] | None:
        present = resource.read(call, resource_id, prior)
        if present is None:
            return None
        fresh_id, state = present
        carried = {name: prior[name] for name in resource.shape.carried if name in prior}
        defaults = {
            name: resource.shape.defaults[name]
            for name in resource.shape.carried & resource.shape.defaults.keys()
        }
        fresh = {name: value for name, value in state.items() if value is not None}
        type_ = schema.of_class(resource.outputs)
        arranged = arrange(type_, resource.shape, defaults | fresh | carried, prior)
        return fresh_id, arranged | {"id": fresh_id}

    def _settled(
        self,
        resource: StandIn[S],
        call: EngineTask[S],
        resource_id: str,
        inputs: Props,
        prior: Props,
    ) -> tuple[str, Props]:
        """Return the id and state of a resource once it is ready.

        Raises:
            _PartialFailureError: it exists, but did not become ready or cannot be read.
        """
        props = prior | {"id": resource_id}
        try:
            resource.settle(call, resource_id, props)
            ready = self._read(resource, call, resource_id, props)
        except Exception as error:
            props = self._last_state(resource, call, resource_id, props)
            raise _PartialFailureError(resource_id, props, inputs, self.explain(error)) from error
        if ready is None:
            raise PluginError(f"{resource_id} is gone; it was there a moment ago. Run it again.")
        return ready

    def _last_state(
        self, resource: StandIn[S], call: EngineTask[S], resource_id: str, props: Props
    ) -> Props:
        try:
            present = self._read(resource, call, resource_id, props)
        except Exception:  # noqa: BLE001 - the first failure is the one to report
            return props
        return present[1] if present else props


def _differences(
    resource: StandIn[Any], state: Props, inputs: Props, ignored: Iterable[str] = ()
) -> dict[str, PropertyDifference]:
    type_ = schema.of_class(resource.args)
    return diff(type_, resource.shape, state, resource.completed(inputs), ignored)


def _left(resource: StandIn[Any], state: Props) -> Props:
    """Return what of a state does not come from the program: outputs, and what the cloud chose."""
    inputs = schema.of_class(resource.args).fields.keys() - resource.shape.computed
    return {name: value for name, value in state.items() if name not in inputs}
