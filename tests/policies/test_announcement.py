"""What a pack announces of itself, without an engine that listens."""

import pytest
from pulumi.runtime.proto import analyzer_pb2

from policies.announcement import LEVELS, SEVERITIES, VERSION, analyzer_info
from policies.model import Pack
from policies.rules import PACKS
from policies.settings import UNKNOWNS, properties_of
from policies.verdict import OF_PACKS


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_a_pack_announces_each_rule_and_what_is_of_the_pack(pack: Pack) -> None:
    info = analyzer_info(pack)
    assert (info.name, info.version) == (pack.name, VERSION)
    announced = {policy.name: policy for policy in info.policies}
    assert list(announced) == [*(rule.name for rule in pack.rules), *OF_PACKS]
    for rule in pack.rules:
        policy = announced[rule.name]
        assert (policy.description, policy.remediation_steps) == (rule.demand, rule.remedy)
        assert (policy.severity, policy.url) == (SEVERITIES[rule.severity], rule.url)
        assert policy.enforcementLevel == LEVELS[pack.level]
        assert list(policy.configSchema.properties) == list(properties_of(rule.options))
        assert (policy.policy_type == analyzer_pb2.POLICY_TYPE_STACK) is rule.stack
    for name, (text, remedy) in OF_PACKS.items():
        policy = announced[name]
        assert (policy.description, policy.remediation_steps) == (text, remedy)
        level = LEVELS[pack.level] if name == UNKNOWNS else analyzer_pb2.ADVISORY
        assert policy.enforcementLevel == level
