"""Record set protections, throttles and conflicting aliases of the local AWS."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.clouds.aws.rules import protections as rules
from sandbox.clouds.aws.rules.zone_contents import RecordChange, RecordSet, ZoneContents

WWW = {
    "Name": "www.example.com",
    "Type": "A",
    "TTL": 60,
    "ResourceRecords": [{"Value": "192.0.2.1"}],
}


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error: Any = caught.value.response.get("Error")
    return error["Code"], error["Message"]


def key(name: str, kind: str = "A") -> dict[str, str]:
    return {"RecordName": name, "RecordType": kind}


def protect(aws: Any, *keys: dict[str, str]) -> None:
    aws.client("route53").create_resource_record_set_protections(
        HostedZoneId=aws.zone_id(), Protections=list(keys)
    )


def free(aws: Any, *keys: dict[str, str]) -> None:
    aws.client("route53").delete_resource_record_set_protections(
        HostedZoneId=aws.zone_id(), Protections=list(keys)
    )


def protected(aws: Any, **more: Any) -> list[Any]:
    pages = aws.client("route53").get_paginator("list_resource_record_set_protections")
    found = pages.paginate(HostedZoneId=aws.zone_id(), **more)
    return list(found.search("ResourceRecordSetProtections[]"))


def test_a_protected_record_is_neither_made_nor_changed_nor_deleted(aws: Any) -> None:
    protect(aws, key("WWW.example.com"), {**key("new.example.com", "TXT"), "Comment": "reserved"})
    assert protected(aws) == [
        {**key("new.example.com.", "TXT"), "Comment": "reserved"},
        key("www.example.com."),
    ]
    for change in (
        ("UPSERT", WWW),
        ("DELETE", aws.records()[0]),
        (
            "CREATE",
            {
                **WWW,
                "Name": "new.example.com",
                "Type": "TXT",
                "ResourceRecords": [{"Value": '"x"'}],
            },
        ),
    ):
        code, message = refused(lambda change=change: aws.change(change))
        assert code == "InvalidChangeBatch"
        assert "is protected" in message
    aws.change(("CREATE", {**WWW, "Name": "other.example.com"}))
    free(aws, key("www.example.com"))
    aws.change(("DELETE", aws.records()[-1]))
    assert [each["Name"] for each in aws.records()] == ["other.example.com."]


def test_protections_come_in_pages_and_from_a_name_on(aws: Any) -> None:
    names = [f"{letter}.example.com." for letter in "abc"]
    protect(aws, *map(key, reversed(names)))
    pages = {"PaginationConfig": {"PageSize": 2}}
    assert [each["RecordName"] for each in protected(aws, **pages)] == names
    later = protected(aws, StartRecordName="b.example.com")
    assert [each["RecordName"] for each in later] == names[1:]


def test_a_request_is_carried_out_whole_or_not_at_all(aws: Any) -> None:
    protect(aws, key("a.example.com"))
    code = "InvalidResourceRecordSetProtectionBatch"
    again = (key("b.example.com"), key("A.example.com."))
    assert refused(lambda: protect(aws, *again))[0] == "ProtectionAlreadyExists"
    assert refused(lambda: protect(aws, key("b.example.com"), key("b.test")))[0] == code
    assert refused(lambda: free(aws, *again))[0] == code
    assert refused(lambda: protect(aws, *[key(f"n{n}.example.com") for n in range(101)]))[0] == code
    assert protected(aws) == [key("a.example.com.")]


A, B = ("a.example.com.", "A"), ("b.test.", "A")


@pytest.mark.parametrize(
    ("refusal", "refuses"),
    [
        (rules.request_is_a_batch([A]), False),
        (rules.request_is_a_batch([]), True),
        (rules.request_is_a_batch([A, A]), True),
        (rules.protected_names_lie_in_zone([A], "example.com."), False),
        (rules.protected_names_lie_in_zone([A, B], "example.com."), True),
        (rules.protection_is_new([A], [B]), False),
        (rules.protection_is_new([A, B], [B]), True),
        (rules.protection_exists([A], [A]), False),
        (rules.protection_exists([A, B], [A]), True),
    ],
)
def test_each_rule_refuses_what_it_says(refusal: object, *, refuses: bool) -> None:
    assert (refusal is not None) == refuses


@pytest.mark.parametrize(("kind", "refuses"), [("A", True), ("AAAA", False)])
def test_record_is_not_protected(kind: str, *, refuses: bool) -> None:
    zone = ZoneContents("Z1", "example.com.", (), protected=frozenset({A}))
    change = RecordChange("CREATE", RecordSet({"Name": "a.example.com", "Type": kind}))
    assert (rules.record_is_not_protected(zone, change) is not None) == refuses


def test_each_action_has_a_bucket_of_its_own_that_fills_up(aws: Any) -> None:
    route53, zone = aws.client("route53"), aws.zone_id()
    aws.settings(throttle_per_second=1, throttle_burst=3)
    for _ in range(3):
        route53.list_hosted_zones()
    with pytest.raises(ClientError) as caught:
        route53.list_hosted_zones()
    answer: Any = caught.value.response
    told = answer["Error"]["Code"], answer["Error"]["Message"]
    assert told == ("Throttling", "Rate exceeded")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    route53.get_hosted_zone(Id=zone)


def test_changes_of_records_have_another_bucket_which_one_batch_never_overtaxes(aws: Any) -> None:
    aws.settings(record_changes_per_second=1, record_changes_burst=4)
    records = [{**WWW, "Name": f"n{number}.example.com"} for number in range(5)]
    aws.change(*(("CREATE", record) for record in records))
    aws.client("route53").list_hosted_zones()
    delete = ("DELETE", records[0])
    assert refused(lambda: aws.change(delete, delete)) == ("Throttling", "Rate exceeded")
    aws.settings(record_changes_per_second=None)
    aws.change(delete)


def test_policies_that_moto_forgets_are_kept(aws: Any) -> None:
    located = {
        "GeoProximityLocation": {"AWSRegion": "eu-west-1", "Bias": 10},
        "CidrRoutingConfig": {
            "CollectionId": "0f" * 4 + "-0000-0000-0000-" + "0" * 12,
            "LocationName": "office",
        },
    }
    for number, (field, value) in enumerate(located.items()):
        record = {**WWW, "Name": f"p{number}.example.com.", "SetIdentifier": "one", field: value}
        aws.change(("CREATE", record))
        assert record in aws.records()


def test_who_else_has_an_alias_is_listed_with_most_of_the_ids_hidden(
    aws: Any, config_of: Callable[..., dict[str, Any]]
) -> None:
    cloudfront = aws.client("cloudfront")
    arn = aws.certificate("api.example.com")
    config = config_of("one", "api.example.com", certificate=arn)
    own = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]

    def conflicts(alias: str, **more: Any) -> Any:
        return cloudfront.list_conflicting_aliases(DistributionId=own, Alias=alias, **more)[
            "ConflictingAliasesList"
        ]

    ours = {
        "Alias": "api.example.com",
        "DistributionId": f"*******{own[7:]}",
        "AccountId": "******789012",
    }
    assert conflicts("api.example.com")["Items"] == [ours]
    assert conflicts("www.example.com")["Quantity"] == 0
    aws.settings(aliases_elsewhere={"*.Example.com": "111122223333"})
    theirs = {
        "Alias": "*.example.com",
        "DistributionId": "*******SEWHERE",
        "AccountId": "******223333",
    }
    assert conflicts("api.example.com")["Items"] == [theirs, ours]
    first = conflicts("api.example.com", MaxItems=1)
    assert first["Items"] == [theirs]
    assert conflicts("api.example.com", Marker=first["NextMarker"])["Items"] == [ours]
    assert (
        refused(lambda: cloudfront.list_conflicting_aliases(DistributionId="E0", Alias="a.test"))[0]
        == "NoSuchDistribution"
    )
    aws.settings(aliases_elsewhere={"www.example.com": "111122223333"})
    arn = aws.certificate("www.example.com")
    config = config_of("two", "www.example.com", certificate=arn)
    taken = refused(lambda: cloudfront.create_distribution(DistributionConfig=config))
    assert taken[0] == "CNAMEAlreadyExists"
