"""The edge that a verb acts on: from the stack's outputs, or named by hand.

The outputs are read as `pulumi stack output --json` prints them. Secrets do not matter: Pulumi
prints `[secret]` for them, and no secret is read here.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyAddress, ValidationError
from pydantic.alias_generators import to_camel

from components.faults import Fault, fault_of, path_of, shown
from rollout.faults import WrongUseError
from rollout.probe.model import EdgeTarget
from rollout.pulumi_command import PulumiCommand, PulumiError

LONGEST_NAME: Final = 253
"""Characters of a DNS name. Source: RFC 1035 section 2.3.4."""

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def dns_name(text: str) -> str:
    """Return a DNS name in lower case without its final dot.

    Raises:
        ValueError: It is none, or it is a wildcard or an address, which cannot be verified.
    """
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if (
        len(name) > LONGEST_NAME
        or len(labels) < 2  # noqa: PLR2004 - a name of one label is a top-level domain
        or labels[-1].isdigit()
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise ValueError("it should be a DNS name such as api.example.com")
    return name


def _ipv6(address: IPvAnyAddress) -> str:
    if not isinstance(address, IPv6Address):
        raise ValueError("it should be an IPv6 address: proxies are the direct path over IPv6")  # noqa: TRY004 - pydantic takes a ValueError
    return str(address)


Name = Annotated[str, AfterValidator(dns_name)]
ProxyAddress = Annotated[IPvAnyAddress, AfterValidator(_ipv6)]
Weight = Annotated[int, Field(ge=0, le=255)]


class _OutputModel(BaseModel):
    """The outputs that are read; others may stand beside them."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class DeclaredTraffic(_OutputModel):
    """The weights of the paths."""

    direct: Weight
    """Of the old path."""
    cdn: Weight
    """Of the path through CloudFront."""


class DeclaredRecord(_OutputModel):
    """A traffic record, as the stack has it."""

    name: Name
    """The hostname."""
    type: Literal["A", "AAAA"]
    """Its type."""
    set_identifier: Literal["direct", "cdn", ""]
    """The path that it leads to; empty for a simple record, which leads everybody to one."""
    weight: Weight | None = None
    """Its weight; None: that of its path, or a simple record, which has none."""
    target: Name
    """DNS name that it is an alias of."""


class StackOutputs(_OutputModel):
    """The outputs of an edge's stack that are read; others may stand beside them."""

    hostnames: Annotated[list[Name], Field(min_length=1)]
    """Names of the API."""
    distribution_id: str
    """Id of the distribution."""
    distribution_domain_name: Name
    """Its own DNS name."""
    certificate_arn: str = ""
    """ARN of the certificate that viewers see; empty where the outputs do not say."""
    proxy_addresses: tuple[ProxyAddress, ...] = ()
    """IPv6 addresses of the proxies."""
    traffic: DeclaredTraffic
    """Weights of the paths."""
    records: tuple[DeclaredRecord, ...]
    """The traffic records; none where the stack declares none."""
    load_balancer: Name | None = None
    """DNS name of the old path; None where the records say it."""

    def weight_of(self, record: DeclaredRecord) -> int | None:
        """Return the weight that a traffic record has to have; None: none, it is a simple one."""
        if not record.set_identifier:
            return None
        path = self.traffic.cdn if record.set_identifier == "cdn" else self.traffic.direct
        return path if record.weight is None else record.weight

    @property
    def load_balancers(self) -> tuple[str, ...]:
        """The old path's names: one, unless the outputs are not what they should be."""
        led_to = (
            record.target
            for record in self.records
            if record.type == "A"
            and record.set_identifier != "cdn"
            and record.target != self.distribution_domain_name
        )
        return _once(led_to if self.load_balancer is None else (self.load_balancer,))

    @property
    def weights(self) -> tuple[int, int] | None:
        """The weights; None where the stack declares no record, and so none of them holds."""
        return (self.traffic.direct, self.traffic.cdn) if self.records else None


@dataclass(frozen=True)
class Source:
    """Where the user names the target."""

    outputs: str | None = None
    """Path of a file with the outputs as JSON, `-` for standard input."""
    stack: str | None = None
    """Name of the stack; None: the one selected in the current folder."""
    hostnames: tuple[str, ...] = ()
    """By hand: names of the API."""
    direct: str | None = None
    """By hand: DNS name of the load balancer."""
    cdn: str | None = None
    """By hand: DNS name of the distribution."""
    proxy_addresses: tuple[str, ...] = ()
    """By hand: IPv6 addresses of the proxies."""

    @property
    def by_hand(self) -> Mapping[str, Any]:
        """What was named by hand, by option."""
        options: dict[str, Any] = {
            "--hostname": self.hostnames,
            "--direct": self.direct,
            "--cdn": self.cdn,
            "--proxy-address": self.proxy_addresses,
        }
        return {option: value for option, value in options.items() if value}


def of_source(
    source: Source,
    read: Callable[[str], str],
    pulumi: Callable[[str | None], str],
) -> EdgeTarget:
    """Return the target that the user names.

    Args:
        source: Where it is named.
        read: Returns the text of a file, `-` being standard input.
        pulumi: Returns what `pulumi stack output --json` prints for a stack.

    Raises:
        WrongUseError: It is not there, or not what it should be; with every fault.
    """
    given = [
        option
        for option, value in (("--outputs", source.outputs), ("--stack", source.stack))
        if value is not None
    ] + (["/".join(source.by_hand)] if source.by_hand else [])
    if len(given) > 1:
        raise WrongUseError(
            [
                Fault(
                    "What to verify",
                    f"given {len(given)} times ({', '.join(given)})",
                    "it comes from a file, from a stack, or from --hostname, --direct and --cdn",
                    "Keep one of them.",
                )
            ]
        )
    if source.by_hand:
        return by_hand(source)
    if source.outputs is not None:
        return of_outputs(outputs_text(source.outputs, read), f"--outputs {source.outputs}")
    return of_outputs(pulumi(source.stack), "pulumi stack output --json")


def read_text(name: str) -> str:
    """Return the text of a file; `-` is standard input."""
    return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")


def outputs_text(name: str, read: Callable[[str], str] = read_text) -> str:
    """Return what stands in the file of `--outputs`.

    Args:
        name: The file; `-` is standard input.
        read: Returns the text of a file.

    Raises:
        WrongUseError: It cannot be read.
    """
    try:
        return read(name)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(
            [
                Fault(
                    f"--outputs {name}",
                    f"not readable ({error})",
                    "it should be a file with what `pulumi stack output --json` prints",
                    f"Write it with: pulumi stack output --json > {name}",
                )
            ]
        ) from error


def by_hand(source: Source) -> EdgeTarget:
    """Return the target that was named by hand.

    Raises:
        WrongUseError: Something is missing or not what it should be; with every fault.
    """
    faults: list[Fault] = []

    def checked(option: str, text: str | None) -> str:
        try:
            return dns_name(text or "")
        except ValueError as error:
            value = shown(text) if text else "not given"
            faults.append(Fault(option, value, str(error), "Give its name in DNS."))
        return ""

    hostnames = tuple(checked("--hostname", name) for name in source.hostnames or (None,))
    direct, cdn = checked("--direct", source.direct), checked("--cdn", source.cdn)
    addresses: list[str] = []
    for text in source.proxy_addresses:
        try:
            addresses.append(str(IPv6Address(text)))
        except ValueError:
            allowed = "it should be an IPv6 address: proxies are the direct path over IPv6"
            remedy = "Give the address alone, without brackets, prefix length or zone."
            faults.append(Fault("--proxy-address", shown(text), allowed, remedy))
    if faults:
        raise WrongUseError(faults)
    return EdgeTarget(_once(hostnames), direct, cdn, _once(addresses))


def of_outputs(text: str, origin: str) -> EdgeTarget:
    """Return the target that a stack's outputs name.

    Args:
        text: The outputs as one JSON object.
        origin: Where they were read, for messages.

    Raises:
        WrongUseError: They are not the outputs of an edge; with every fault.
    """
    return target_of(stack_outputs(text, origin))


def stack_outputs(text: str, origin: str) -> StackOutputs:
    """Return the outputs of a stack that has an edge.

    Args:
        text: The outputs as one JSON object.
        origin: Where they were read, for messages.

    Raises:
        WrongUseError: They are not the outputs of an edge; with every fault.
    """
    try:
        return StackOutputs.model_validate_json(json.dumps(_object(text, origin)), strict=True)
    except ValidationError as error:
        raise WrongUseError(
            [
                fault_of(item, f"Output {path_of(item['loc'])}", _DEPLOY, missing="not there")
                for item in error.errors()
            ]
        ) from error


def target_of(stack: StackOutputs) -> EdgeTarget:
    """Return the target that a stack's outputs name.

    Raises:
        WrongUseError: They name none; with every fault.
    """
    load_balancers = stack.load_balancers
    faults: list[Fault] = []
    if len(load_balancers) != 1:
        faults.append(
            Fault(
                "The target of the A records `direct` in output records",
                ", ".join(load_balancers) or "not there",
                "it should be the one load balancer's name, the same for every hostname",
                f"Name it by hand, with --hostname, --direct and --cdn, or {_DEPLOY[:1].lower()}"
                f"{_DEPLOY[1:]}",
            )
        )
    if not (stack.traffic.direct or stack.traffic.cdn):
        faults.append(
            Fault(
                "Output traffic",
                "direct 0 and cdn 0",
                "Route 53 takes that as equal shares, so one of them has to be above 0",
                "Set it with: pulumi config set --path dualstack-edge:traffic.direct 100",
            )
        )
    if faults:
        raise WrongUseError(faults)
    return EdgeTarget(
        _once(stack.hostnames),
        load_balancers[0],
        stack.distribution_domain_name,
        _once(str(address) for address in stack.proxy_addresses),
        stack.weights,
        stack.distribution_id,
    )


_DEPLOY: Final = "Deploy the edge with this version of it: pulumi up"


def _object(text: str, origin: str) -> Mapping[str, Any]:
    """Return the JSON object in a text.

    Raises:
        WrongUseError: It is no JSON, or no object.
    """
    cause: ValueError | None = None
    try:
        outputs: object = json.loads(text)
    except ValueError as error:
        outputs, cause = None, error
    if isinstance(outputs, dict):
        return cast("Mapping[str, Any]", outputs)
    raise WrongUseError(
        [
            Fault(
                origin,
                f"not JSON ({cause})" if cause else shown(outputs),
                "it should be one object, as `pulumi stack output --json` prints it",
                "Write it again with: pulumi stack output --json",
            )
        ]
    ) from cause


def pulumi_outputs(stack: str | None) -> str:
    """Return what `pulumi stack output --json` prints in the current folder.

    Raises:
        WrongUseError: There is no `pulumi`, no such stack, or it cannot be read.
    """
    try:
        return PulumiCommand().answer("stack", "output", "--json", stack=stack)
    except PulumiError as error:
        problem, cause = str(error), error
    raise WrongUseError(
        [
            Fault(
                "`pulumi stack output --json`",
                problem,
                "the stack's outputs say what to verify",
                "Run it where the stack is selected, or give --outputs FILE, or --hostname, "
                "--direct and --cdn.",
            )
        ]
    ) from cause


def _once(values: Iterable[str]) -> tuple[str, ...]:
    """Return values in their order, each once."""
    return tuple(dict.fromkeys(values))
