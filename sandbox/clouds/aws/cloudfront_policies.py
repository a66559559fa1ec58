"""CloudFront's cache and origin request policies, which moto lacks: AWS's own and one's own."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from moto.cloudfront.models import random_id

from sandbox.clouds.aws.fields import Fields, ReadOnly, items
from sandbox.clouds.aws.refusal import Refusal, raise_if
from sandbox.clouds.aws.rules import cloudfront_policies as rules
from sandbox.clouds.aws.rules.distribution_rules import etag_matches, list_has_a_size
from sandbox.clouds.aws.state import MotoAccount, MotoPolicy, now

MANAGED: Final[Mapping[str, Mapping[str, Fields]]] = json.loads(
    Path(__file__).with_name("managed_policies.json").read_text()
)
"""The configuration of AWS's own policies, by kind and id.

Source: CloudFront Developer Guide, 'Use managed cache policies' and 'Use managed origin request
policies'. Those that Amplify Hosting keeps for itself are left out."""

MADE: Final = datetime(2020, 11, 1, tzinfo=UTC)
"""When they were made; AWS tells no more either."""

PAGE: Final = 100


def ids(account: MotoAccount, kind: str) -> frozenset[str]:
    """Return the ids of all policies of a kind."""
    own = (policy.id for policy in account.policies.values() if policy.kind == kind)
    return frozenset({*MANAGED[kind], *own})


def _create(kind: str, account: MotoAccount, sent: Fields) -> Fields:
    config = deepcopy(sent[f"{kind}Config"])
    _judge(kind, account, config, None)
    policy = MotoPolicy(kind, str(uuid4()), config, random_id(), account.clock())
    account.policies[policy.id] = policy
    return {
        **_get(kind, account, {"Id": policy.id}),
        "Location": f"https://cloudfront.amazonaws.com/2020-05-31/{kind.lower()}/{policy.id}",
    }


def _get(kind: str, account: MotoAccount, sent: Fields) -> Fields:
    policy = account.policies.get(sent["Id"])
    if policy is not None and policy.kind == kind:
        described = _described(kind, policy.id, policy.config, now(account, policy.modified))
        return {kind: described, "ETag": policy.etag}
    config = MANAGED[kind].get(sent["Id"])
    if config is None:
        words = "cache" if kind == "CachePolicy" else "origin request"
        raise Refusal(f"NoSuch{kind}", f"The specified {words} policy does not exist.")
    return {kind: _described(kind, sent["Id"], config, MADE), "ETag": sent["Id"]}


def _get_config(kind: str, account: MotoAccount, sent: Fields) -> Fields:
    whole = _get(kind, account, sent)
    return {f"{kind}Config": whole[kind][f"{kind}Config"], "ETag": whole["ETag"]}


def _update(kind: str, account: MotoAccount, sent: Fields) -> Fields:
    policy = _own(kind, account, sent, "Update")
    config = deepcopy(sent[f"{kind}Config"])
    _judge(kind, account, config, policy.id)
    policy.config, policy.etag, policy.modified = config, random_id(), account.clock()
    return _get(kind, account, sent)


def _delete(kind: str, account: MotoAccount, sent: Fields) -> Fields:
    policy = _own(kind, account, sent, "Delete")
    configs = [distribution.config for distribution in account.distributions.values()]
    used = {
        behavior.get(f"{kind}Id")
        for config in configs
        for behavior in (config["DefaultCacheBehavior"], *items(config, "CacheBehaviors"))
    }
    raise_if(rules.deleted_policy_is_unused(kind, used=policy.id in used))
    del account.policies[policy.id]
    return {}


def _list(kind: str, account: MotoAccount, sent: Fields) -> Fields:
    raise_if(list_has_a_size(sent.get("MaxItems")))
    listed: list[Fields] = [
        {
            "Type": "managed" if one in MANAGED[kind] else "custom",
            kind: _get(kind, account, {"Id": one})[kind],
        }
        for one in sorted(ids(account, kind))
        if one > (sent.get("Marker") or "")
    ]
    left = [one for one in listed if sent.get("Type") in (None, one["Type"])]
    size = int(sent.get("MaxItems") or PAGE)
    page = left[:size]
    answer: Fields = {"MaxItems": size, "Quantity": len(page)}
    answer |= {"Items": page} if page else {}
    answer |= {"NextMarker": page[-1][kind]["Id"]} if len(left) > size else {}
    return {f"{kind}List": answer}


def _judge(kind: str, account: MotoAccount, config: ReadOnly, own: str | None) -> None:
    others = ids(account, kind) - {own}
    names = frozenset(
        _get_config(kind, account, {"Id": one})[f"{kind}Config"]["Name"] for one in others
    )
    for rule in rules.POLICY_RULES:
        raise_if(rule(rules.PolicyRequest(kind, config, names)))


def _own(kind: str, account: MotoAccount, sent: Fields, operation: str) -> MotoPolicy:
    managed = sent["Id"] in MANAGED[kind]
    raise_if(rules.changed_policy_is_ones_own(operation, managed=managed))
    etag = _get(kind, account, sent)["ETag"]
    raise_if(etag_matches(sent.get("IfMatch"), etag))
    return account.policies[sent["Id"]]


def _described(kind: str, policy_id: str, config: ReadOnly, modified: datetime) -> Fields:
    return {"Id": policy_id, "LastModifiedTime": modified, f"{kind}Config": config}


HANDLERS: Final[Mapping[tuple[str, str], Callable[[MotoAccount, Fields], Fields]]] = {
    ("cloudfront", operation): partial(handler, kind)
    for kind, plural in (
        ("CachePolicy", "CachePolicies"),
        ("OriginRequestPolicy", "OriginRequestPolicies"),
    )
    for operation, handler in (
        (f"Create{kind}", _create),
        (f"Get{kind}", _get),
        (f"Get{kind}Config", _get_config),
        (f"Update{kind}", _update),
        (f"Delete{kind}", _delete),
        (f"List{plural}", _list),
    )
}
"""What carries out each operation."""
