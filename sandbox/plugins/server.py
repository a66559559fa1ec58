"""The engine's `ResourceProvider` protocol, spoken for a package.

The library's own `pulumi.provider.experimental` is made for components: it cannot say that a
resource was made but did not become ready (the engine then keeps its id in the state), drops
`oldInputs`, and answers every failure with a stack trace. So the protocol is spoken here, decoding,
calling and encoding, and nothing else. Source: pulumi/pulumi, `proto/pulumi/provider.proto`.

Where it differs from the official plugins: no `GetSchema`, hence no generated code on
`pulumi import` (use `--generate-code=false`), no `List`, `Construct`, `Call` or `Parameterize`;
and secrets are marked by the engine instead of the plugin (see `values`).
"""

import argparse
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, NoReturn, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2, message
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.plugins import naming, schema
from sandbox.plugins.check import check
from sandbox.plugins.diff import (
    Change,
    Difference,
    arrange,
    diff,
    imported,
    refreshed,
    top,
    without,
)
from sandbox.plugins.resource import Call, Failure, Function, Package, PluginError, Resource, Shape
from sandbox.plugins.schema import Kind, Type
from sandbox.plugins.values import UNKNOWN, Props, decode, encode

S = TypeVar("S")

_WORKERS = 64
"""Requests answered at once; most of them wait. The engine sends as many as `--parallel` says."""

_ENGINE_CHECK_SECONDS = 1.0
"""How often a plugin makes sure that its engine is still there."""

_STOP_SECONDS = 5.0
"""How long calls that were cancelled may take to notice."""

_RETURN = "return"

_KINDS = {
    (Change.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Change.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Change.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Change.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Change.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Change.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class _PartialFailureError(Exception):
    """A resource exists, but is not ready: the engine keeps what is known of it."""

    def __init__(self, resource_id: str, properties: Props, inputs: Props, reason: str) -> None:
        super().__init__(reason)
        self.detail = provider_pb2.ErrorResourceInitFailed(
            id=resource_id,
            properties=encode(properties),
            inputs=encode(inputs),
            reasons=[reason],
        )


class Servicer(provider_pb2_grpc.ResourceProviderServicer, Generic[S]):
    """Answers the engine's requests about the resources and functions of one package."""

    def __init__(self, package: Package[S], stopped: threading.Event | None = None) -> None:
        """Serve a package.

        Args:
            package: What to serve.
            stopped: Set once the engine has asked for everything to stop.
        """
        self._package = package
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
        return plugin_pb2.PluginInfo(version=self._package.version)

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
            f"the stand-in for the {self._package.name} plugin has no schema, so no code can be "
            "generated. Use `pulumi import --generate-code=false`, or install the official plugin.",
        )
        raise AssertionError("abort raises")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Check the configuration of the provider; the answer has it as it was given."""

        def answer() -> message.Message:
            news = decode(request.news)
            _, failures = self._checked_config(news)
            return provider_pb2.CheckResponse(inputs=encode(news), failures=_failures(failures))

        return self._answer(context, f"checking the provider {_name(request.urn)}", answer)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Compare two configurations; none needs new resources by itself."""

        def answer() -> message.Message:
            olds, news = decode(request.olds), decode(request.news)
            changed = [key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key)]
            return provider_pb2.DiffResponse(
                changes=_changes(changed), diffs=[key for key in changed if key != "version"]
            )

        return self._answer(context, f"comparing the provider {_name(request.urn)}", answer)

    def Configure(self, request: Any, context: Any) -> Any:
        """Take a configuration and be ready to work."""

        def answer() -> message.Message:
            given = decode(request.args) or dict(request.variables)
            config, failures = self._checked_config(given)
            if failures:
                raise PluginError("\n".join(failure.reason for failure in failures))
            self._session = self._package.connect(config)
            return provider_pb2.ConfigureResponse(supportsPreview=True)

        return self._answer(context, f"configuring the {self._package.name} provider", answer)

    def Invoke(self, request: Any, context: Any) -> Any:
        """Answer a function of the package."""

        def answer() -> message.Message:
            function = self._function(request.tok)
            type_ = schema.of_function(function.args)
            args, failures = check(request.tok, type_, Shape(), decode(request.args))
            if failures:
                return provider_pb2.InvokeResponse(failures=_failures(failures))
            result = encode(function.answer(self._connected(), args))
            # `return` is a word of Python's own, so the field cannot be named in the call.
            response = provider_pb2.InvokeResponse()
            getattr(response, _RETURN).CopyFrom(result)
            return response

        return self._answer(context, f"invoking {request.tok}", answer)

    def Check(self, request: Any, context: Any) -> Any:
        """Check the inputs of a resource and fill in what the program leaves out."""

        def answer() -> message.Message:
            resource = self._resource(request.urn)
            type_ = schema.of_class(resource.args)
            news = resource.prepare(self._connected(), decode(request.news))
            if resource.auto_named:
                news = naming.named(request, decode(request.olds), news)
            inputs, failures = check(resource.type_name, type_, resource.shape, news)
            if not failures:
                failures = list(resource.validate(inputs))
            return provider_pb2.CheckResponse(inputs=encode(inputs), failures=_failures(failures))

        return self._answer(context, f"checking {_name(request.urn)}", answer)

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the state of a resource with its inputs."""

        def answer() -> message.Message:
            resource = self._resource(request.urn)
            state, inputs = decode(request.olds), decode(request.news)
            response = _diff_response(_differences(resource, state, inputs, request.ignoreChanges))
            if resource.auto_named and response.replaces:
                response.deleteBeforeReplace = not naming.is_made(request.urn, inputs.get("name"))
            return response

        return self._answer(context, f"comparing {_name(request.urn)}", answer)

    def Create(self, request: Any, context: Any) -> Any:
        """Make a resource, or foresee what it would be."""

        def answer() -> message.Message:
            resource, inputs = self._resource(request.urn), decode(request.properties)
            if request.preview:
                foreseen = self._foreseen(resource, inputs)
                return provider_pb2.CreateResponse(properties=encode(foreseen))
            call = self._call(request.timeout)
            resource_id = resource.create(call, inputs)
            resource_id, state = self._settled(resource, call, resource_id, inputs, inputs)
            return provider_pb2.CreateResponse(id=resource_id, properties=encode(state))

        return self._answer(context, f"creating {_name(request.urn)}", answer)

    def Read(self, request: Any, context: Any) -> Any:
        """Read a resource as it is now: to refresh its state, or to import it."""

        def answer() -> message.Message:
            resource = self._resource(request.urn)
            state, inputs = decode(request.properties), decode(request.inputs)
            found = self._read(resource, self._call(0), request.id, state)
            if found is None:
                return provider_pb2.ReadResponse()
            resource_id, fresh = found
            type_, shape = schema.of_class(resource.args), resource.shape
            fresh_inputs = (
                refreshed(type_, shape, fresh, inputs, _differences(resource, fresh, inputs))
                if inputs
                else imported(type_, shape, fresh)
            )
            return provider_pb2.ReadResponse(
                id=resource_id, properties=encode(fresh), inputs=encode(fresh_inputs)
            )

        return self._answer(context, f"reading {_name(request.urn)}", answer)

    def Update(self, request: Any, context: Any) -> Any:
        """Change a resource, or foresee what it would become."""

        def answer() -> message.Message:
            resource = self._resource(request.urn)
            state = decode(request.olds)
            inputs = _kept(resource, state, decode(request.news), list(request.ignoreChanges))
            expected = _left(resource, state) | inputs
            if request.preview:
                return provider_pb2.UpdateResponse(properties=encode(expected))
            call = self._call(request.timeout)
            resource.update(call, request.id, state, inputs)
            _, fresh = self._settled(resource, call, request.id, inputs, expected)
            return provider_pb2.UpdateResponse(properties=encode(fresh))

        return self._answer(context, f"updating {_name(request.urn)}", answer)

    def Delete(self, request: Any, context: Any) -> Any:
        """Remove a resource."""

        def answer() -> message.Message:
            resource = self._resource(request.urn)
            resource.delete(self._call(request.timeout), request.id, decode(request.properties))
            return empty_pb2.Empty()

        return self._answer(context, f"deleting {_name(request.urn)}", answer)

    def _answer(self, context: Any, doing: str, work: Callable[[], message.Message]) -> Any:
        """Return what the work returns; make an answer the user can read of what it raises."""
        try:
            return work()
        except _PartialFailureError as failure:
            _abort(context, f"{doing}: {failure}", failure.detail)
        except Exception as error:  # noqa: BLE001 - a plugin answers, whatever happens
            _abort(context, f"{doing}: {self._explain(error)}", None)

    def _explain(self, error: Exception) -> str:
        return str(error) if isinstance(error, PluginError) else self._package.explain(error)

    def _checked_config(self, given: Props) -> tuple[Props, list[Failure]]:
        type_ = schema.of_class(self._package.config)
        known = {key: value for key, value in given.items() if key != "version"}
        what = f"the {self._package.name} provider"
        config, failures = check(what, type_, Shape(), _from_json(type_, known))
        if not failures:
            failures = list(self._package.check_config(config))
        return config, failures

    def _connected(self) -> S:
        if self._session is None:
            raise PluginError(
                "the provider is not configured; Configure comes before any work. "
                "Run it through the Pulumi engine."
            )
        return self._session

    def _call(self, timeout_seconds: float) -> Call[S]:
        return Call(self._connected(), timeout_seconds, self._stopped)

    def _resource(self, urn: str) -> Resource[S]:
        token = urn.split("::")[2].rpartition("$")[2]
        if token not in self._package.resources:
            raise PluginError(self._not_known("resource type", token, self._package.resources))
        return self._package.resources[token]

    def _function(self, token: str) -> Function[S]:
        if token not in self._package.functions:
            raise PluginError(self._not_known("function", token, self._package.functions))
        return self._package.functions[token]

    def _not_known(self, what: str, token: str, known: Iterable[str]) -> str:
        return (
            f"the {what} is {token}; the stand-in for the {self._package.name} plugin knows "
            f"{', '.join(sorted(known))}. Install the official plugin for others: "
            f"`pulumi plugin install resource {self._package.name}`."
        )

    def _foreseen(self, resource: Resource[S], inputs: Props) -> Props:
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
        self, resource: Resource[S], call: Call[S], resource_id: str, prior: Props
    ) -> tuple[str, Props] | None:
        found = resource.read(call, resource_id, prior)
        if found is None:
            return None
        fresh_id, state = found
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
        self, resource: Resource[S], call: Call[S], resource_id: str, inputs: Props, prior: Props
    ) -> tuple[str, Props]:
        """Return the id and state of a resource once it is ready.

        Raises:
            _PartialFailureError: it exists, but did not become ready or cannot be read.
        """
        known = prior | {"id": resource_id}
        try:
            resource.settle(call, resource_id, known)
            found = self._read(resource, call, resource_id, known)
        except Exception as error:
            known = self._last_known(resource, call, resource_id, known)
            raise _PartialFailureError(resource_id, known, inputs, self._explain(error)) from error
        if found is None:
            raise PluginError(f"{resource_id} is gone; it was there a moment ago. Run it again.")
        return found

    def _last_known(
        self, resource: Resource[S], call: Call[S], resource_id: str, known: Props
    ) -> Props:
        try:
            found = self._read(resource, call, resource_id, known)
        except Exception:  # noqa: BLE001 - the first failure is the one to report
            return known
        return found[1] if found else known


def serve(package: Package[Any], arguments: Sequence[str]) -> None:
    """Serve a package until the engine is done with it: the main program of a plugin.

    Prints the port, and nothing else, on standard output, as the engine expects. Ends on SIGTERM
    or SIGINT, and when the engine whose address is the first argument no longer answers; without
    an address (as when attaching a debugger) only by a signal.

    Args:
        package: What to serve.
        arguments: The command line without the program.
    """
    parser = argparse.ArgumentParser(
        prog=f"pulumi-resource-{package.name}",
        description=f"Stand-in for the Pulumi plugin {package.name}; started by the engine.",
    )
    parser.add_argument("engine", nargs="?", help="address of the engine, HOST:PORT")
    # The engine passes its logging flags (--logtostderr, -v=9, --tracing ...) to every plugin.
    engine = parser.parse_known_args(arguments)[0].engine

    # Not an event: one that is set by a signal handler while this thread is inside its `wait` waits
    # for itself forever.
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.put(None))
    stopped = threading.Event()
    server = grpc.server(
        ThreadPoolExecutor(_WORKERS), options=[("grpc.max_receive_message_length", -1)]
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(package, stopped), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    if engine:
        threading.Thread(target=_watch, args=(engine, ended), daemon=True).start()
    ended.get()
    stopped.set()
    server.stop(grace=1).wait(timeout=_STOP_SECONDS)
    # Whoever still waits for the cloud waits for nobody.
    os._exit(0)


def _watch(engine: str, ended: queue.SimpleQueue[None]) -> None:
    """Say so once the engine is gone, asking as the official plugins do.

    They call the health service every so often; that the engine has none does not matter, since a
    refusal is a sign of life too. Source: pulumi/pulumi, `sdk/go/common/util/rpcutil`.
    """
    with grpc.insecure_channel(engine) as channel:
        alive = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=bytes,
            response_deserializer=bytes,
        )
        while True:
            time.sleep(_ENGINE_CHECK_SECONDS)
            try:
                alive(b"", timeout=30)
            except grpc.RpcError as error:
                if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    ended.put(None)


def _abort(
    context: Any, text: str, detail: provider_pb2.ErrorResourceInitFailed | None
) -> NoReturn:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=text)
    if detail is not None:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, text)
    raise AssertionError("abort raises")


def _differences(
    resource: Resource[Any], state: Props, inputs: Props, ignored: Iterable[str] = ()
) -> dict[str, Difference]:
    type_ = schema.of_class(resource.args)
    return diff(type_, resource.shape, state, resource.completed(inputs), ignored)


def _name(urn: str) -> str:
    """Return how the user knows a resource: its type and name, `aws:…:Record www`."""
    parts = urn.split("::")
    return f"{parts[2].rpartition('$')[2]} {parts[3]}"


def _failures(failures: Iterable[Failure]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=item.path, reason=item.reason) for item in failures]


def _changes(found: Iterable[object]) -> Any:
    some = any(True for _ in found)
    return provider_pb2.DiffResponse.DIFF_SOME if some else provider_pb2.DiffResponse.DIFF_NONE


def _diff_response(found: dict[str, Difference]) -> provider_pb2.DiffResponse:
    return provider_pb2.DiffResponse(
        changes=_changes(found),
        replaces=sorted({top(path) for path, item in found.items() if item.replaces}),
        diffs=sorted({top(path) for path in found}),
        detailedDiff={
            path: provider_pb2.PropertyDiff(
                kind=_KINDS[difference.change, difference.replaces], inputDiff=False
            )
            for path, difference in found.items()
        },
        hasDetailedDiff=True,
    )


def _left(resource: Resource[Any], state: Props) -> Props:
    """Return what of a state does not come from the program: outputs, and what the cloud chose."""
    inputs = schema.of_class(resource.args).fields.keys() - resource.shape.computed
    return {name: value for name, value in state.items() if name not in inputs}


def _kept(resource: Resource[Any], state: Props, inputs: Props, ignored: Sequence[str]) -> Props:
    """Return inputs in which what `ignoreChanges` names is left as it is in the cloud.

    The engine has put the old inputs in their place; if the cloud differs from those, an update
    for another reason must not undo it.
    """
    if not ignored:
        return inputs
    found = _differences(resource, state, inputs)
    wanted = _differences(resource, state, inputs, ignored)
    return without(inputs, {path: item for path, item in found.items() if path not in wanted})


def _from_json(type_: Type, config: Props) -> Props:
    """Return a provider's configuration with its compound values decoded.

    The SDKs send every value of a provider that is not text as JSON in text.
    """
    decoded: Props = {}
    for name, value in config.items():
        field = type_.fields.get(name)
        if field and field.type.kind is not Kind.STRING and isinstance(value, str):
            try:
                decoded[name] = json.loads(value)
            except ValueError:
                decoded[name] = value  # the check says what is wrong with it
        else:
            decoded[name] = value
    return decoded
