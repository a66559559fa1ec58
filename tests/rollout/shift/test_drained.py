"""cdn is drained when enough answers in a row lead elsewhere, and not before."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import DnsAnswer
from rollout.shift.drained import (
    ANSWERS_AT_ONCE,
    ENOUGH,
    LONGEST_SECONDS,
    DrainCount,
    Drained,
    Question,
    cloudfront_networks,
    leads_to_cdn,
)
from support.draining import CDN, DIRECT, NETWORKS, RANGES, Servers, drained_at, told

NAME = "api.example.com"
A, AAAA = Question(NAME, "A"), Question(NAME, "AAAA")


# ---- deciding -----------------------------------------------------------------------------------

ROUNDS = st.lists(
    st.tuples(st.sampled_from([A, AAAA]), st.integers(0, 3), st.integers(0, 300)), max_size=30
)


@given(ROUNDS)
def test_a_question_is_open_until_enough_answers_in_a_row_led_elsewhere(
    rounds: list[tuple[Question, int, int]],
) -> None:
    count = DrainCount((A, AAAA))
    for at, (question, to_cdn, others) in enumerate(rounds):
        count.note(question, to_cdn, others, float(at))
    for question in (A, AAAA):
        own = [(to_cdn, others) for each, to_cdn, others in rounds if each == question]
        last = max((index for index, (to_cdn, _) in enumerate(own) if to_cdn), default=-1)
        in_a_row = sum(others for _, others in own[last + 1 :])
        assert (question in count.open) == (in_a_row < ENOUGH)
        assert (question in count.on_cdn) <= (question in count.open)
    seen = [at for at, (_, to_cdn, _) in enumerate(rounds) if to_cdn]
    assert count.last_seconds == (max(seen) if seen else None)


@given(ROUNDS)
def test_one_answer_that_leads_to_cdn_opens_a_question_again(
    rounds: list[tuple[Question, int, int]],
) -> None:
    count = DrainCount((A, AAAA))
    for at, (question, to_cdn, others) in enumerate(rounds):
        count.note(question, to_cdn, others, float(at))
    count.note(AAAA, 1, 1_000, 99.0)
    assert AAAA in count.open
    assert AAAA in count.on_cdn


def test_enough_is_what_hides_the_least_weight_once_in_a_hundred_times() -> None:
    assert 0.99**ENOUGH <= 0.01 < 0.99 ** (ENOUGH - 1)
    assert 4 * ANSWERS_AT_ONCE >= ENOUGH


# ---- whose address ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "is_cdn"),
    [
        ((), False),
        (("198.18.0.1", "198.18.0.2"), False),
        (("198.18.1.1",), True),
        (("2001:db8:cf::9",), True),
        (("2001:db8:5::9",), False),
        (("198.18.0.1", "198.18.1.1"), True),
    ],
)
def test_an_answer_leads_to_cdn_where_an_address_is_cloudfronts(
    values: Sequence[str], *, is_cdn: bool
) -> None:
    assert leads_to_cdn(values, NETWORKS) == is_cdn


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"prefixes": [], "ipv6_prefixes": []}',
        RANGES.replace("198.18.1.0/24", "198.18.1.1/24"),
        RANGES.replace('ipv6_prefix"', 'prefix"'),
        RANGES.replace('"2001:db8:cf::/48", "service": "CLOUDFRONT"', '"::/0", "service": "EC2"'),
    ],
)
def test_what_is_no_list_of_networks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        cloudfront_networks(text)


# ---- watching -----------------------------------------------------------------------------------


def test_it_tells_when_the_last_answer_led_to_cdn() -> None:
    servers = drained_at(33)
    assert servers.watch(NAME, "b.example.com") == Drained((), (), 32.0)
    assert servers.now <= 42


def test_answers_that_go_on_leading_to_cdn_are_told_in_the_end() -> None:
    servers = Servers(
        lambda _, kind, __: told(CDN[kind]) if kind == "AAAA" else told(*DIRECT[kind])
    )
    drained = servers.watch(NAME)
    assert (drained.open, drained.on_cdn) == ((AAAA,), (AAAA,))
    assert servers.now > LONGEST_SECONDS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(None, "did not answer in 2 s", id="silence"),
        pytest.param(
            DnsAnswer("SERVFAIL", (), None, authoritative=False), "answers as one", id="refusal"
        ),
        pytest.param(
            DnsAnswer("NOERROR", (), 60, authoritative=False), "answers as one", id="a cache"
        ),
    ],
)
def test_servers_that_do_not_answer_for_the_zone_leave_it_untold(
    answer: DnsAnswer | None, reason: str
) -> None:
    drained = Servers(lambda _, __, ___: answer).watch(NAME)
    assert (drained.open, drained.on_cdn, drained.last_seconds) == ((A, AAAA), (), None)
    assert all(reason in trouble for trouble in drained.trouble)
    assert len(drained.trouble) == 2


def test_what_is_no_answer_at_all_is_a_fault_of_ours() -> None:
    class Broken(Servers):
        async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
            if server and kind != "SOA":
                raise ZeroDivisionError
            return await super().ask(name, kind, server)

    with pytest.raises(ZeroDivisionError):
        Broken(lambda _, __, ___: None).watch(NAME)
