"""Section `switch`: armed, tripped or not told, and what differs from the settings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.aws_zone import Observed
from rollout.pulumi_command import PulumiError
from rollout.status.kill_switch import differing, switch_section, tripped, wanted_check
from rollout.status.room import SectionFields, StatusRequest
from rollout.status.stack import Once, StackReader
from support.stubbed_account import AnsweringAccount

NAME: Final = "api.example.com"
URL: Final = "https://edge-switch.s3.eu-west-1.amazonaws.com/drain"
CHECK: Final = "0a1b2c3d-0000-4000-8000-000000000000"
OTHER: Final = "1a1b2c3d-0000-4000-8000-000000000000"


class Stack(StackReader):
    """A stack of one hostname, with a kill switch in its settings or without."""

    def __init__(self, url: str | PulumiError | None) -> None:
        super().__init__(StatusRequest(), dict, {})

        def switch_url() -> str | None:
            if isinstance(url, PulumiError):
                raise url
            return url

        self.switch_url = Once(switch_url)  # type: ignore[misc] - what Pulumi would say

    def edge(self) -> Any:
        return type("Outputs", (), {"hostnames": [NAME]})


@pytest.fixture(scope="module")
def every_client() -> Iterator[AnsweringAccount]:
    account = AnsweringAccount("route53")
    yield account
    account.close()


def told(
    account: AnsweringAccount,
    url: str | PulumiError | None,
    checks: Mapping[str, str],
    config: Mapping[str, Any] | None = None,
    statuses: Sequence[str] = (),
) -> SectionFields:
    stub = account.stubs["route53"]
    zone = {"Id": "/hostedzone/Z1", "Name": "example.com.", "CallerReference": "r"}
    listed = {"HostedZones": [zone], "Marker": "", "IsTruncated": False, "MaxItems": "100"}
    stub.add_response("list_hosted_zones", listed)
    records = [
        {
            "Name": f"{NAME}.",
            "Type": family,
            "SetIdentifier": path,
            "Weight": 50,
            **({"HealthCheckId": checks[family]} if path == "cdn" and checks.get(family) else {}),
        }
        for family in ("A", "AAAA")
        for path in ("cdn", "direct")
    ]
    answer = {"ResourceRecordSets": records, "IsTruncated": False, "MaxItems": "300"}
    stub.add_response("list_resource_record_sets", answer)
    for check in sorted({id_ for id_ in checks.values() if id_}):
        made = {**wanted_check(URL), **(config or {})}
        described = {"Id": check, "CallerReference": "r", "HealthCheckVersion": 1}
        stub.add_response(
            "get_health_check", {"HealthCheck": {**described, "HealthCheckConfig": made}}
        )
        observed = [{"StatusReport": {"Status": status}} for status in statuses]
        stub.add_response("get_health_check_status", {"HealthCheckObservations": observed})
    section = switch_section(Stack(url), account)
    stub.assert_no_pending_responses()
    return section


BOTH: Final = {"A": CHECK, "AAAA": CHECK}
AWAY: Final = "Failure: HTTP Status Code 403, Forbidden"
THERE: Final = "Success: HTTP Status Code 200, OK"


def test_without_one_there_is_nothing_to_tell(every_client: AnsweringAccount) -> None:
    assert told(every_client, "", {}) == {
        "state": "ok",
        "lines": [("settings", None), ("health check", None)],
        "notes": [],
    }


def test_one_that_is_armed(every_client: AnsweringAccount) -> None:
    assert told(every_client, URL, BOTH, statuses=[AWAY] * 16) == {
        "state": "ok",
        "lines": [
            ("settings", URL),
            ("health check", CHECK),
            ("state", "armed"),
            ("object seen by", "0 of 16 checkers"),
        ],
        "notes": [],
    }


def test_one_that_has_tripped_needs_somebody(every_client: AnsweringAccount) -> None:
    section = told(every_client, URL, BOTH, statuses=[THERE] * 15 + [AWAY])
    assert section["state"] == "attention"
    assert dict(section["lines"])["state"] == "tripped"
    (note,) = list(section.get("notes", ()))
    assert note == (
        f"Health check {CHECK} is tripped, so that no answer leads to cdn, whatever its weight; "
        "its object is there. If that was meant, give cdn weight 0 first (dualstack shift abort "
        "--direct), and then take the object away: see docs/recovery.md"
    )


def test_one_that_nobody_has_looked_at_cannot_be_told(every_client: AnsweringAccount) -> None:
    section = told(every_client, URL, BOTH)
    assert (section["state"], dict(section["lines"])["state"]) == ("unknown", None)


@pytest.mark.parametrize(
    ("url", "checks", "config", "note"),
    [
        pytest.param(
            URL,
            {},
            {},
            f"cdn of {NAME} A, {NAME} AAAA is without a health check; killSwitch is set. Deploy it",
            id="not deployed",
        ),
        pytest.param(
            URL,
            {"A": CHECK},
            {},
            f"cdn of {NAME} AAAA is without a health check; killSwitch is set. Have it as",
            id="on one family",
        ),
        pytest.param(
            "",
            BOTH,
            {},
            f"cdn of {NAME} A, {NAME} AAAA is decided by a health check; the settings have no",
            id="in no settings",
        ),
        pytest.param(
            URL, {"A": CHECK, "AAAA": OTHER}, {}, "decided by 2 health checks", id="two of them"
        ),
        pytest.param(
            URL,
            BOTH,
            {"ResourcePath": "/other"},
            f"ResourcePath of health check {CHECK} is /other; the settings make it /drain",
            id="another object",
        ),
        pytest.param(
            URL,
            BOTH,
            {"Inverted": False},
            f"Inverted of health check {CHECK} is False; the settings make it True",
            id="not inverted",
        ),
    ],
)
def test_what_differs_from_the_settings_is_named(
    every_client: AnsweringAccount,
    url: str,
    checks: Mapping[str, str],
    config: Mapping[str, Any],
    note: str,
) -> None:
    section = told(every_client, url, checks, config, [AWAY] * 16)
    assert section["state"] == "attention"
    assert any(note in each for each in section.get("notes", ())), section.get("notes")


@pytest.mark.parametrize("url", [None, PulumiError("silent")])
def test_settings_that_are_not_known_are_not_compared(
    every_client: AnsweringAccount, url: PulumiError | None
) -> None:
    section = told(every_client, url, BOTH, statuses=[AWAY] * 16)
    assert section["state"] == ("unknown" if url else "ok")
    assert dict(section["lines"])["state"] == "armed"


def test_what_may_not_be_asked_is_unknown(every_client: AnsweringAccount) -> None:
    every_client.stubs["route53"].add_client_error("list_hosted_zones", "AccessDenied")
    assert switch_section(Stack(URL), every_client)["state"] == "unknown"


@given(
    checkers=st.integers(0, 20),
    share=st.floats(0, 1),
    inverted=st.booleans(),
    disabled=st.booleans(),
)
def test_an_inverted_check_trips_by_what_it_sees_and_another_by_what_it_does_not(
    *, checkers: int, share: float, inverted: bool, disabled: bool
) -> None:
    seen = Observed(checkers, round(share * checkers), "")
    config = {"Inverted": inverted, "Disabled": disabled}
    if disabled:
        assert tripped(config, seen) == inverted
    elif not checkers:
        assert tripped(config, seen) is None
    else:
        assert tripped(config, seen) == ((seen.healthy > 0.18 * checkers) == inverted)


@given(
    checks=st.dictionaries(
        st.sampled_from(["a A", "a AAAA", "b A"]), st.sampled_from(["", "1", "2"])
    ),
    url=st.sampled_from(["", URL]),
)
def test_nothing_differs_where_all_have_the_one_that_is_set(
    checks: Mapping[str, str], url: str
) -> None:
    ids = set(checks.values())
    right = ids <= {""} if not url else len(ids) <= 1 and "" not in ids
    assert (list(differing(checks, url)) == []) == right
