"""What a lab should be, from what is deployed: hosts, addresses, routes, firewalls, programs.

Pure: the same values in, the same lab out. What the clouds' APIs say is never said again here; this
adds what no API says and a network needs: which addresses a load balancer has, where CloudFront's
nodes are, and the clients.
"""

from dataclasses import dataclass

from sandbox.lab.deployed import Deployed
from sandbox.lab.lab_host import LabHost
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.plan.hosts import hosts
from sandbox.lab.plan.programs import PlanInputs, programs
from sandbox.lab.plan.router_rules import router_rules
from sandbox.lab.program import Program

__all__ = ["LabPlan", "PlanInputs", "plan"]


@dataclass(frozen=True)
class LabPlan:
    """What a lab should be."""

    hosts: tuple[LabHost, ...]
    """Every host but the router."""
    router_rules: str
    """What the router filters, as `nft` reads it."""
    programs: tuple[Program, ...]
    """What runs on the hosts."""


def plan(deployed: Deployed, settings: LabSettings, inputs: PlanInputs) -> LabPlan:
    """Return what the lab should be."""
    planned = tuple(hosts(deployed, settings, inputs.droplets))
    return LabPlan(
        hosts=planned,
        router_rules=router_rules(planned, deployed, settings, inputs.droplets),
        programs=tuple(programs(deployed, settings, inputs)),
    )
