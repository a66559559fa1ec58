"""A pack as the engine meets it: a server of Pulumi's analyzer protocol.

The SDK has such a server, and three things about it do not do here. It decodes every resource again
for every policy, also the resources that no policy is about, so twelve narrow rules cost twelve
times as much as one. When a policy touches an unknown value it turns even a mandatory policy into
an advisory note, and the deployment goes on: it fails open. And it ends the whole preview with a
stack trace when a policy raises. So this server speaks the protocol itself. It reads a resource
once, and only if a rule is about its type; rules get plain values in which `UNKNOWN` is one; and a
rule that raises is a violation that keeps its findings so far and stops no other rule.

A certain violation is reported before its resource is made. What a rule cannot tell is judged again
when the stack is known: then an id that is not known yet leads to the policy that it is the id of.
What is left after that is one message for each resource, at the level of `unknowns`. During an
update there is no later: what is not clear then is reported at once, unless the program itself
makes the policies whose ids are not understood.

Source: `proto/pulumi/analyzer.proto` of pulumi; the Python package pulumi-policy 1.21, `policy.py`.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from policies import settings, wire
from policies.announcement import LEVEL_NAMES, LEVELS, SEVERITIES, VERSION, analyzer_info
from policies.claim import Claim, of_this_process
from policies.cloudfront import POLICIES
from policies.edge_settings import message_of
from policies.model import (
    Around,
    JudgedStack,
    Level,
    Pack,
    Resource,
    Rule,
)
from policies.readings import READ_AS, readings
from policies.records import ZONE_OF_A_NETWORK
from policies.settings import EXCEPTIONS, UNKNOWNS, PackSettings
from policies.verdict import OF_PACKS, Verdict, judge, stopped_message, unclear_message

logger = logging.getLogger(__name__)

MESSAGE_BYTES: Final = 400 * 1024 * 1024
"""The largest message taken, as the SDK's; a whole stack comes in one."""


TWICE: Final = 2


class PackServer(analyzer_pb2_grpc.AnalyzerServicer):
    """Serves one pack to one engine."""

    def __init__(
        self,
        pack: Pack,
        today: Callable[[], date] | None = None,
        claim: Claim | None = None,
    ) -> None:
        """Serve a pack with nothing set.

        Args:
            pack: The pack.
            today: Returns the day on which exemptions are looked at; by default the day in UTC.
            claim: The right to speak, where the pack may be started twice; by default it speaks.
        """
        self._pack = pack
        self._claim = claim
        self._operation = ""
        self._said: set[tuple[str, str, str]] = set()
        self._times_configured = 0
        self._given = b""
        self._today = today or (lambda: datetime.now(UTC).date())
        self._settings = PackSettings()
        self._levels: dict[str, Level] = {}
        self._preview = False
        self._makes_policies = False
        self._deferred: set[str] = set()
        self._alone = _by_type(rule for rule in pack.rules if not rule.stack)
        self._stack = _by_type(rule for rule in pack.rules if rule.stack)
        self._open = [rule for rule in pack.rules if rule.more_types is not None]
        self._judged = (
            self._alone.keys() | self._stack.keys() | POLICIES | ZONE_OF_A_NETWORK | READ_AS.keys()
        )

    def GetAnalyzerInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerInfo:
        """Describe the pack, each rule as a policy of its own."""
        del request, context
        return analyzer_info(self._pack)

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """Name a version."""
        del request, context
        return plugin_pb2.PluginInfo(version=VERSION)

    def Handshake(
        self, request: analyzer_pb2.AnalyzerHandshakeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerHandshakeResponse:
        """Greet the engine; nothing of it is needed."""
        del request, context
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def ConfigureStack(
        self, request: analyzer_pb2.AnalyzerStackConfigureRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        """Take note whether this is a preview, which shows the stack before anything is made."""
        del context
        self._preview = request.dry_run
        self._said.clear()
        self._times_configured = 0
        self._operation = (
            f"{request.organization}/{request.project}/{request.stack} {request.dry_run}"
        )
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Configure(
        self, request: analyzer_pb2.ConfigureAnalyzerRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Take levels and options; refuse those that cannot be used, all faults at once."""
        self._times_configured += 1
        self._given = request.SerializeToString(deterministic=True)
        given = {
            name: json_format.MessageToDict(config.properties)
            for name, config in request.policyConfig.items()
        }
        try:
            self._settings = settings.read(self._pack, given)
        except settings.PackSettingsError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        self._levels = {
            name: LEVEL_NAMES[config.enforcementLevel]
            for name, config in request.policyConfig.items()
        }
        return empty_pb2.Empty()

    def Analyze(
        self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzeResponse:
        """Judge a resource by itself, before it is made."""
        del context
        response = analyzer_pb2.AnalyzeResponse()
        if not self._speaks():
            return response
        read = READ_AS.get(request.type)
        token = read.type if read else request.type
        if token in POLICIES:
            self._makes_policies = True
        rules = self._enabled(self._alone, token)
        for resource in readings(_resource(request)) if rules else ():
            if not self._concerns(response, rules, resource, JudgedStack([resource])):
                continue
            verdict = judge(rules, resource, JudgedStack(), self._settings.options)
            if verdict.unclear and self._later(verdict):
                self._deferred.add(resource.urn)
                verdict.unclear.clear()
            self._report(response, resource, verdict)
        self._once(response)
        return response

    def AnalyzeStack(
        self, request: analyzer_pb2.AnalyzeStackRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzeResponse:
        """Judge the resources by each other, and again those that could not be judged alone."""
        del context
        response = analyzer_pb2.AnalyzeResponse()
        if not self._speaks():
            return response
        given = (_resource(each, self._judged) for each in request.resources)
        stack = JudgedStack([reading for resource in given for reading in readings(resource)])
        for resource in stack.resources:
            again = resource.urn in self._deferred
            rules = self._enabled(self._stack, resource.type)
            alone = self._enabled(self._alone, resource.type) if again else []
            if not (rules or alone) or not self._concerns(response, rules, resource, stack):
                continue
            verdict = judge(rules, resource, stack, self._settings.options)
            if alone:
                self._again(verdict, alone, resource, stack)
            self._report(response, resource, verdict)
        self._once(response)
        return response

    def Remediate(
        self, request: analyzer_pb2.AnalyzeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.RemediateResponse:
        """Repair what the rules at level `remediate` find, each after the one before it."""
        del context
        response = analyzer_pb2.RemediateResponse()
        properties = request.properties
        if not self._speaks():
            return response
        for rule in self._enabled(self._alone, request.type):
            if rule.repair is None or self._level(rule.name) != "remediate":
                continue
            resource = _resource(request, properties=properties)
            stack = JudgedStack([resource])
            exemption = self._settings.exemption(rule.name, resource, self._today())
            if exemption and exemption.holds(self._today()):
                continue
            remediation = analyzer_pb2.Remediation(
                policyName=rule.name,
                policyPackName=self._pack.name,
                policyPackVersion=VERSION,
                description=rule.demand,
            )
            try:
                place = Around(
                    resource, stack, self._settings.options.get(rule.name) or rule.options()
                ).place()
                changes = list(rule.repair(place)) if self._settings.concerns(place) else []
                if not changes:
                    continue
                properties = wire.repaired(properties, changes)
                remediation.properties.CopyFrom(properties)
            except Exception as error:
                logger.exception("the repair of rule %s stopped at %s", rule.name, resource.urn)
                remediation.diagnostic = stopped_message(rule, resource, error)
            response.remediations.append(remediation)
        return response

    def _speaks(self) -> bool:
        """Say whether this is the one of several processes with the same pack that reports."""
        if self._claim is None:
            return True
        return self._claim.holds(self._pack.name, self._operation, self._given.hex())

    def _level(self, policy: str) -> Level:
        default: Level = "advisory" if policy == EXCEPTIONS else self._pack.level
        return self._levels.get(policy, default)

    def _enabled(self, rules: Mapping[str, list[Rule]], resource_type: str) -> list[Rule]:
        of_type = rules.get(resource_type, ())
        if rules is self._stack:
            of_type = [*of_type, *(rule for rule in self._open if rule.takes(resource_type))]
        return [rule for rule in of_type if self._level(rule.name) != "disabled"]

    def _concerns(
        self,
        response: analyzer_pb2.AnalyzeResponse,
        rules: Iterable[Rule],
        resource: Resource,
        stack: JudgedStack,
    ) -> bool:
        if self._settings.concerns(Around(resource, stack).place()):
            return True
        response.not_applicable.extend(
            analyzer_pb2.PolicyNotApplicable(
                policy_name=rule.name, reason=f"{resource.name} is outside the pack's scope"
            )
            for rule in rules
        )
        return False

    def _later(self, verdict: Verdict) -> bool:
        """Say whether what a resource leaves unclear alone may be clear with its stack."""
        return self._preview or (
            self._makes_policies
            and any(
                finding.path.endswith(("cachePolicyId", "RequestPolicyId"))
                for _, finding in verdict.unclear
            )
        )

    def _again(
        self, verdict: Verdict, rules: Iterable[Rule], resource: Resource, stack: JudgedStack
    ) -> None:
        """Add what rules say with the stack, except for what they said without it already."""
        before = judge(rules, resource, JudgedStack(), self._settings.options)
        after = judge(rules, resource, stack, self._settings.options)
        verdict.failed += [one for one in after.failed if one not in before.failed]
        verdict.advised += [one for one in after.advised if one not in before.advised]
        verdict.unclear += after.unclear

    def _report(
        self, response: analyzer_pb2.AnalyzeResponse, resource: Resource, verdict: Verdict
    ) -> None:
        today = self._today()
        findings = [*verdict.failed, *verdict.unclear, *verdict.advised]
        exemptions = {
            rule.name: exemption
            for rule in dict.fromkeys(rule for rule, _ in findings)
            if (exemption := self._settings.exemption(rule.name, resource, today))
        }
        used = {name for name, exemption in exemptions.items() if exemption.holds(today)}
        diagnostics = response.diagnostics
        for rule, finding in verdict.failed:
            if rule.name not in used:
                message = message_of(rule.name, resource, finding)
                if ended := exemptions.get(rule.name):
                    message += f' The exemption ("{ended.reason}") ended on {ended.until}.'
                diagnostics.append(self._violation(rule, resource, message))
        for rule, finding in verdict.advised:
            if rule.name not in used:  # a note, whatever the level: advice stops nothing
                message = message_of(rule.name, resource, finding)
                diagnostics.append(self._violation(rule, resource, message, "advisory"))
        for rule, error in verdict.stopped:
            message = stopped_message(rule, resource, error)
            diagnostics.append(self._violation(rule, resource, message))
        unclear = [(rule, finding) for rule, finding in verdict.unclear if rule.name not in used]
        level = self._level(UNKNOWNS)
        if unclear and level != "disabled":
            message = unclear_message(resource, unclear)
            diagnostics.append(self._diagnostic(UNKNOWNS, resource, message, level))
        for name in sorted(used):
            own = (finding for rule, finding in findings if rule.name == name)
            messages = " ".join(message_of(name, resource, finding) for finding in own)
            message = (
                f"{EXCEPTIONS}: {resource.name} is exempt from {name} until "
                f'{exemptions[name].until} ("{exemptions[name].reason}"). It would say: {messages}'
            )
            # A note, whatever the level: an exemption that stops the deployment is none.
            diagnostics.append(self._diagnostic(EXCEPTIONS, resource, message, "advisory"))

    def _once(self, response: analyzer_pb2.AnalyzeResponse) -> None:
        """Leave out what this operation was told already, where the pack is given twice.

        The engine starts one process for a folder that is given twice; it configures it twice, and
        then asks everything twice.
        """
        if self._times_configured < TWICE:
            return
        new: list[analyzer_pb2.AnalyzeDiagnostic] = []
        for one in response.diagnostics:
            key = (one.policyName, one.urn, one.message)
            if key not in self._said:
                self._said.add(key)
                new.append(one)
        del response.diagnostics[:]
        response.diagnostics.extend(new)

    def _violation(
        self, rule: Rule, resource: Resource, message: str, level: Level | None = None
    ) -> analyzer_pb2.AnalyzeDiagnostic:
        level = level or self._level(rule.name)
        diagnostic = self._diagnostic(rule.name, resource, message, level)
        diagnostic.description = rule.demand
        diagnostic.message = f"{rule.demand}\n{message}"
        diagnostic.severity = SEVERITIES[rule.severity]
        return diagnostic

    def _diagnostic(
        self, policy: str, resource: Resource, message: str, level: Level
    ) -> analyzer_pb2.AnalyzeDiagnostic:
        description = OF_PACKS[policy][0] if policy in OF_PACKS else ""
        return analyzer_pb2.AnalyzeDiagnostic(
            policyName=policy,
            policyPackName=self._pack.name,
            policyPackVersion=VERSION,
            description=description,
            message=f"{description}\n{message}",
            urn=resource.reported or resource.urn,
            # What a repair did not mend stops the deployment.
            enforcementLevel=LEVELS["mandatory" if level == "remediate" else level],
        )


def _by_type(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    by_type: dict[str, list[Rule]] = {}
    for rule in rules:
        for token in rule.resource_types:
            by_type.setdefault(token, []).append(rule)
    return by_type


def _resource(
    request: Any, with_dependencies: Iterable[str] = (), properties: Any = None
) -> Resource:
    """Return a resource of either request; its properties are read when a rule asks for them."""
    dependencies: dict[str, tuple[str, ...]] = {}
    if request.type in with_dependencies:
        of = request.propertyDependencies
        dependencies = {key: tuple(of[key].urns) for key in of}
    return Resource(
        urn=request.urn,
        type=request.type,
        name=request.name,
        read=partial(wire.read, properties or request.properties),
        protected=request.options.protect,
        dependencies=dependencies,
    )


def start(
    pack: Pack, today: Callable[[], date] | None = None, claim: Claim | None = None
) -> tuple[grpc.Server, int]:
    """Serve a pack on loopback; return the server and its port."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=4),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ],
    )
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(PackServer(pack, today, claim), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(pack: Pack) -> None:
    """Serve a pack until the engine ends this process, which reads the port from its output."""
    server, port = start(pack, claim=of_this_process())
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        server.stop(grace=None)
