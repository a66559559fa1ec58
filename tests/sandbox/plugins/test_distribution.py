"""Distributions, from check to destruction, against the cloud."""

import threading
import time
from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]


@pytest.fixture
def desired(cloud: Any) -> Props:
    """Return the inputs of a distribution that uses much of what there is."""
    return {
        "enabled": True,
        "isIpv6Enabled": True,
        "comment": "edge",
        "origins": [
            {
                "originId": "alb",
                "domainName": cloud.load_balancer()["name"],
                "customHeaders": [{"name": "X-Secret", "value": "hush"}],
                "customOriginConfig": {
                    "httpPort": 80,
                    "httpsPort": 443,
                    "originProtocolPolicy": "https-only",
                    "originSslProtocols": ["TLSv1.2", "TLSv1.1"],
                },
                "originShield": {"enabled": True, "originShieldRegion": "us-east-1"},
            }
        ],
        "defaultCacheBehavior": {
            "targetOriginId": "alb",
            "viewerProtocolPolicy": "allow-all",
            "allowedMethods": METHODS,
            "cachedMethods": ["GET", "HEAD"],
            "cachePolicyId": CACHING_DISABLED,
            "originRequestPolicyId": ALL_VIEWER,
        },
        "orderedCacheBehaviors": [
            {
                "pathPattern": "/legacy/*",
                "targetOriginId": "alb",
                "viewerProtocolPolicy": "https-only",
                "allowedMethods": METHODS,
                "cachedMethods": ["HEAD", "GET"],
                "forwardedValues": {
                    "queryString": True,
                    "headers": ["*"],
                    "cookies": {"forward": "all"},
                },
                "minTtl": 0,
                "defaultTtl": 0,
                "maxTtl": 0,
            }
        ],
        "customErrorResponses": [
            {"errorCode": code, "errorCachingMinTtl": 0} for code in (504, 400, 403)
        ],
        "restrictions": {
            "geoRestriction": {"restrictionType": "blacklist", "locations": ["AQ", "BV"]}
        },
        "viewerCertificate": {"cloudfrontDefaultCertificate": True},
        "tags": {"team": "edge"},
    }


def config_of(cloud: Any, state: Props) -> tuple[dict[str, Any], str]:
    """Return the configuration in the cloud and its ETag."""
    answer = cloud.client("cloudfront").get_distribution_config(Id=state["id"])
    return answer["DistributionConfig"], answer["ETag"]


def test_a_distribution_is_made_as_the_inputs_say(plugin: Any, cloud: Any, desired: Props) -> None:
    state, _ = plugin.made(DISTRIBUTION, desired)
    config, etag = config_of(cloud, state)
    assert config["IsIPV6Enabled"] is True
    assert config["CustomErrorResponses"]["Quantity"] == 3
    assert {item["ErrorCachingMinTTL"] for item in config["CustomErrorResponses"]["Items"]} == {0}
    default = config["DefaultCacheBehavior"]
    assert default["CachePolicyId"] == CACHING_DISABLED
    assert default["AllowedMethods"]["CachedMethods"] == {"Quantity": 2, "Items": ["GET", "HEAD"]}
    assert not {"MinTTL", "DefaultTTL", "MaxTTL", "ForwardedValues"} & default.keys()
    legacy = config["CacheBehaviors"]["Items"][0]
    assert legacy["ForwardedValues"]["Headers"] == {"Quantity": 1, "Items": ["*"]}
    assert (legacy["MinTTL"], legacy["DefaultTTL"], legacy["MaxTTL"]) == (0, 0, 0)
    origin = config["Origins"]["Items"][0]
    assert origin["CustomHeaders"]["Items"] == [{"HeaderName": "X-Secret", "HeaderValue": "hush"}]
    assert config["Restrictions"]["GeoRestriction"] == {
        "RestrictionType": "blacklist",
        "Quantity": 2,
        "Items": ["AQ", "BV"],
    }
    assert state["status"] == "Deployed"
    assert state["etag"] == etag
    assert state["hostedZoneId"] == "Z2FDTNDATAQYW2"
    assert state["domainName"].endswith(".cloudfront.net")
    assert state["arn"] == f"arn:aws:cloudfront::123456789012:distribution/{state['id']}"
    assert state["callerReference"] == config["CallerReference"]
    assert state["tags"] == state["tagsAll"] == {"team": "edge"}


def test_a_refresh_after_creation_changes_nothing(plugin: Any, desired: Props) -> None:
    state, inputs = plugin.made(DISTRIBUTION, desired)
    refreshed, refreshed_inputs = plugin.refresh(DISTRIBUTION, state, inputs)
    assert refreshed_inputs == inputs
    assert refreshed | {"lastModifiedTime": ""} == state | {"lastModifiedTime": ""}
    assert plugin.diff(DISTRIBUTION, refreshed, inputs) == {}


def test_drift_shows_on_exactly_what_was_changed(plugin: Any, cloud: Any, desired: Props) -> None:
    state, inputs = plugin.made(DISTRIBUTION, desired)
    config, etag = config_of(cloud, state)
    config["IsIPV6Enabled"] = False
    config["CustomErrorResponses"]["Items"][1]["ErrorCachingMinTTL"] = 9
    config["Origins"]["Items"][0]["ConnectionTimeout"] = 3
    config["DefaultRootObject"] = "index.html"
    cloud.client("cloudfront").update_distribution(
        Id=state["id"], IfMatch=etag, DistributionConfig=config
    )
    fresh, fresh_inputs = plugin.refresh(DISTRIBUTION, state, inputs)
    code = config["CustomErrorResponses"]["Items"][1]["ErrorCode"]
    index = [item["errorCode"] for item in inputs["customErrorResponses"]].index(code)
    assert plugin.diff(DISTRIBUTION, fresh, inputs) == {
        "isIpv6Enabled": "UPDATE",
        f"customErrorResponses[{index}].errorCachingMinTtl": "UPDATE",
        "origins[0].connectionTimeout": "UPDATE",
        "defaultRootObject": "DELETE",
    }
    assert plugin.diff(DISTRIBUTION, fresh, fresh_inputs) == {}
    assert fresh_inputs["defaultRootObject"] == "index.html"
    unchanged = inputs.keys() - {"isIpv6Enabled", "customErrorResponses", "origins"}
    assert {name: fresh_inputs[name] for name in unchanged} == {
        name: inputs[name] for name in unchanged
    }


def test_an_update_changes_what_it_says_and_keeps_its_caller_reference(
    plugin: Any, cloud: Any, desired: Props
) -> None:
    state, inputs = plugin.made(DISTRIBUTION, desired)
    changed = inputs | {"comment": "new", "tags": {"team": "api"}}
    changed.pop("orderedCacheBehaviors")
    assert plugin.diff(DISTRIBUTION, state, changed) == {
        "comment": "UPDATE",
        "tags.team": "UPDATE",
        "orderedCacheBehaviors": "DELETE",
    }
    updated = plugin.update(DISTRIBUTION, state, changed)
    config, _ = config_of(cloud, state)
    assert (config["Comment"], config["CacheBehaviors"]["Quantity"]) == ("new", 0)
    assert config["CallerReference"] == state["callerReference"]
    assert updated["tags"] == {"team": "api"}
    assert updated["status"] == "Deployed"
    assert plugin.diff(DISTRIBUTION, updated, changed) == {}


def test_a_change_of_tags_alone_leaves_the_configuration_alone(plugin: Any, desired: Props) -> None:
    state, inputs = plugin.made(DISTRIBUTION, desired)
    updated = plugin.update(DISTRIBUTION, state, inputs | {"tags": {}})
    assert (updated["etag"], updated["tags"]) == (state["etag"], {})


def test_the_program_wins_over_a_change_made_meanwhile(
    plugin: Any, cloud: Any, desired: Props
) -> None:
    state, inputs = plugin.made(DISTRIBUTION, desired)
    config, etag = config_of(cloud, state)
    cloud.client("cloudfront").update_distribution(
        Id=state["id"], IfMatch=etag, DistributionConfig=config | {"Comment": "by hand"}
    )
    plugin.update(DISTRIBUTION, state, inputs | {"comment": "by program"})
    assert config_of(cloud, state)[0]["Comment"] == "by program"


def test_a_preview_knows_the_hosted_zone_and_not_the_name(plugin: Any, desired: Props) -> None:
    inputs = plugin.checked(DISTRIBUTION, desired)
    preview = plugin.preview(DISTRIBUTION, inputs)
    assert preview["hostedZoneId"] == "Z2FDTNDATAQYW2"
    assert preview["tagsAll"] == {"team": "edge"}
    unknown = {name for name, value in preview.items() if value is UNKNOWN}
    assert unknown >= {"id", "arn", "domainName", "etag", "status", "callerReference"}
    assert not unknown & inputs.keys()


def test_deletion_turns_it_off_first(plugin: Any, cloud: Any, desired: Props) -> None:
    state, inputs = plugin.made(DISTRIBUTION, desired)
    plugin.delete(DISTRIBUTION, state)
    listed = cloud.client("cloudfront").list_distributions()["DistributionList"]
    assert listed["Quantity"] == 0
    assert plugin.refresh(DISTRIBUTION, state, inputs) == ({}, {})
    plugin.delete(DISTRIBUTION, state)


def test_a_distribution_to_be_retained_is_only_turned_off(
    plugin: Any, cloud: Any, desired: Props
) -> None:
    state, _ = plugin.made(DISTRIBUTION, desired | {"retainOnDelete": True})
    plugin.delete(DISTRIBUTION, state)
    assert config_of(cloud, state)[0]["Enabled"] is False


def test_a_distribution_need_not_be_waited_for(plugin: Any, cloud: Any, desired: Props) -> None:
    cloud.settings(deploy_seconds=60)
    state, _ = plugin.made(DISTRIBUTION, desired | {"waitForDeployment": False})
    assert state["status"] == "InProgress"


def test_a_distribution_that_does_not_deploy_in_time_is_kept(
    plugin: Any, cloud: Any, desired: Props
) -> None:
    cloud.settings(deploy_seconds=60)
    inputs = plugin.checked(DISTRIBUTION, desired)
    failed = plugin.failure(lambda: plugin.create(DISTRIBUTION, inputs, timeout=0.3))
    made = cloud.client("cloudfront").list_distributions()["DistributionList"]["Items"][0]
    assert failed.partial.id == made["Id"]
    assert failed.partial.properties["domainName"] == made["DomainName"]
    assert list(failed.partial.reasons) == [
        (
            f"waited 0.3 s for CloudFront Distribution ({made['Id']}) to deploy; it did not "
            "happen. Run `pulumi up` again to wait on, or give it longer with `customTimeouts`."
        )
    ]
    cloud.settings(deploy_seconds=0)
    state, _ = plugin.read(DISTRIBUTION, made["Id"], {}, {})
    etag = state["etag"]
    assert plugin.update(DISTRIBUTION, state, inputs)["etag"] == etag


def test_cancelling_ends_the_wait_and_loses_nothing(
    started_plugin: Any, cloud: Any, desired: Props
) -> None:
    _, plugin = started_plugin()
    plugin.configure(region="us-east-1")
    cloud.settings(deploy_seconds=60)
    inputs = plugin.checked(DISTRIBUTION, desired)

    def cancel_once_made() -> None:
        while not cloud.client("cloudfront").list_distributions()["DistributionList"]["Quantity"]:
            time.sleep(0.05)
        plugin.cancel()

    canceller = threading.Thread(target=cancel_once_made)
    canceller.start()
    failed = plugin.failure(lambda: plugin.create(DISTRIBUTION, inputs))
    canceller.join()
    assert failed.partial.id
    assert failed.partial.reasons[0].startswith("stopped waiting for CloudFront Distribution")


def test_a_distribution_is_imported_by_its_id(plugin: Any, desired: Props) -> None:
    state, inputs = plugin.made(DISTRIBUTION, desired)
    imported, imported_inputs = plugin.read(DISTRIBUTION, state["id"], {}, {})
    assert plugin.diff(DISTRIBUTION, imported, inputs) == {}
    again = plugin.checked(DISTRIBUTION, imported_inputs)
    assert plugin.diff(DISTRIBUTION, imported, again) == {}
    assert plugin.diff(DISTRIBUTION, state, again) == {}


def test_what_cloudfront_refuses_is_passed_on(plugin: Any, desired: Props) -> None:
    missing = desired["defaultCacheBehavior"] | {"targetOriginId": "none"}
    failed = plugin.failure(
        lambda: plugin.made(DISTRIBUTION, desired | {"defaultCacheBehavior": missing})
    )
    assert failed.partial is None
    assert failed.text.startswith(
        f"creating {DISTRIBUTION} it: CreateDistributionWithTags: NoSuchOrigin: "
    )
