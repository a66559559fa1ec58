"""What is sent is what is registered: nothing is left out without a reason."""

from pathlib import Path

import pytest

from rollout.requests.groups import GROUPS, fields
from rollout.requests.groups.statuses_and_methods import METHODS_APART, STATUSES_APART
from rollout.requests.registries import FIELD_NAMES, METHODS, STATUS_CODES
from rollout.requests.registries.renew import FILES, kept, renew
from rollout.requests.request_kinds import KINDS

EVERY_KIND = (*KINDS, *(kind for group in GROUPS for kind in group.kinds))
CLOUDFRONT_URL_BYTES = 8192
CLOUDFRONT_REQUEST_BYTES = 20_480


def _names(headers: tuple[tuple[str, str], ...]) -> set[str]:
    return {name.lower() for name, _ in headers}


def test_the_registries_are_whole() -> None:
    assert len(FIELD_NAMES) > 240
    assert len(STATUS_CODES) > 55
    assert len(METHODS) > 35
    assert {"A-IM", "X-Frame-Options", "Use-As-Dictionary"} <= set(FIELD_NAMES)


def test_every_registered_field_is_sent_or_has_a_reason_why_not() -> None:
    sent = {name for kind in EVERY_KIND for name in _names(kind.request("/echo").headers)}
    for name in FIELD_NAMES:
        own_or_reason = name.lower() in sent or name in fields.NOT_SENT
        assert own_or_reason, name


def test_every_registered_field_is_answered_or_has_a_reason_why_not() -> None:
    answered = {
        value.partition(":")[0].lower()
        for kind in EVERY_KIND
        for directive, value in kind.directives
        if directive == "header"
    }
    for name in FIELD_NAMES:
        assert name.lower() in answered or name in fields.NOT_ANSWERED, name


def test_what_has_kinds_of_its_own_has_them() -> None:
    sent = {name for kind in EVERY_KIND for name in _names(kind.request("/echo").headers)}
    own = {name.lower() for name, why in fields.NOT_SENT.items() if why == "has kinds of its own"}
    assert own <= sent


def test_only_registered_names_have_values_and_reasons() -> None:
    for table in (fields.VALUES, fields.NOT_SENT, fields.NOT_ANSWERED):
        assert set(table) <= set(FIELD_NAMES)


def test_every_status_and_method_is_asked_for_or_has_a_reason_why_not() -> None:
    statuses = {kind.status for kind in EVERY_KIND}
    assert set(STATUS_CODES) <= statuses | set(STATUSES_APART)
    methods = {kind.method for kind in EVERY_KIND}
    assert {each.name for each in METHODS} <= methods | set(METHODS_APART)


def test_no_kind_is_larger_than_cloudfront_allows() -> None:
    for kind in EVERY_KIND:
        request = kind.request("/echo-0123456789abcdef0123456789abcdef", "01234567")
        assert len(request.target) <= CLOUDFRONT_URL_BYTES, kind.name
        size = sum(len(name) + len(value) + 4 for name, value in request.headers)
        assert size + len(request.target) + 64 <= CLOUDFRONT_REQUEST_BYTES, kind.name


def test_names_of_groups_and_kinds_are_not_used_twice() -> None:
    names = [*(kind.name for kind in KINDS), *(group.name for group in GROUPS)]
    assert len(set(names)) == len(names)
    for group in GROUPS:
        assert len({kind.name for kind in group.kinds}) == len(group.kinds), group.name


def test_registries_are_renewed_without_what_nobody_reads() -> None:
    text = (
        "Value,Description,Reference\n100,Continue,[RFC9110]\n"
        "105-199,Unassigned,\n427,Unassigned,\n"
    )
    assert kept(text, ("Value", "Description")) == "Value,Description\n100,Continue\n"
    with pytest.raises(ValueError, match="The columns are Name; Value, Description are needed"):
        kept("Name\n", ("Value", "Description"))


def test_each_file_is_written_from_iana(tmp_path: Path) -> None:
    asked: list[str] = []

    def download(address: str) -> str:
        asked.append(address)
        name = next(file for file, (path, _) in FILES.items() if address.endswith(path))
        return f"{','.join(FILES[name][1])},Reference\n{','.join('1' for _ in FILES[name][1])},x\n"

    renew(tmp_path, download)
    assert len(asked) == len(FILES)
    assert all(each.startswith("https://www.iana.org/assignments/") for each in asked)
    assert {file.name for file in tmp_path.iterdir()} == set(FILES)
