"""The mandatory pack. `PolicyPack` serves until the engine ends it, so nothing stands below it."""

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.adapter import policies_for
from policies.rules import DUAL_STACK

PolicyPack(
    name="dual-stack",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=policies_for(DUAL_STACK),
)
