"""Path patterns of behaviors as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.verify.path_patterns import behavior_of, echo_below, matches, path_of


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/api/*", "/api/", True),
        ("/api/*", "/api/v1/orders", True),
        ("/api/*", "/api", False),
        ("/api/*", "/v2/api/x", False),
        ("api/*", "/api/x", True),
        ("*.jpg", "/images/a.jpg", True),
        ("*.jpg", "/images/a.JPG", False),
        ("/a?b", "/axb", True),
        ("/a?b", "/ab", False),
        ("/a?b", "/a/b", True),
        ("*", "/", True),
        ("/images/*.png", "/images/x/y.png", True),
        ("/a.b", "/axb", False),
        ("/a+b", "/aab", False),
    ],
)
def test_a_pattern_matches_as_cloudfronts_does(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("patterns", "path", "number"),
    [
        (("/api/*", "/api/v1/*"), "/api/v1/x", 0),
        (("/api/v1/*", "/api/*"), "/api/v1/x", 0),
        (("/api/v1/*", "/api/*"), "/api/v2/x", 1),
        (("/api/*",), "/", 1),
        ((), "/", 0),
    ],
)
def test_the_first_pattern_that_matches_is_taken(
    patterns: tuple[str, ...], path: str, number: int
) -> None:
    assert behavior_of(patterns, path) == number


@pytest.mark.parametrize(
    ("patterns", "number", "expected"),
    [
        (("/api/*",), 0, "/api/mark"),
        (("*.jpg",), 0, "/mark.jpg"),
        (("/api/*",), 1, "/mark"),
        (("/one",), 0, "/one"),
        (("/a?c/*",), 0, "/aqc/mark"),
        (("*",), 1, None),
        (("/api/*", "/api/v1/*"), 1, None),
        (("*.json", "/api/*"), 1, "/api/mark"),
    ],
)
def test_a_path_is_found_that_belongs_to_a_behavior_or_none_can(
    patterns: tuple[str, ...], number: int, expected: str | None
) -> None:
    assert path_of(patterns, number, "mark") == expected


@given(st.lists(st.text("/ab*?.", min_size=1, max_size=6), max_size=4), st.data())
def test_a_path_that_is_found_belongs_there(patterns: list[str], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(patterns)))
    path = path_of(patterns, number, "mark")
    assert path is None or (path.startswith("/") and behavior_of(patterns, path) == number)


@pytest.mark.parametrize(
    ("patterns", "number", "expected"),
    [
        (("/api/*",), 0, "/api/echo"),
        (("api/*",), 0, "/api/echo"),
        (("*.jpg",), 0, None),
        (("/api",), 0, None),
        (("/api/echo*", "/api/*"), 1, None),
        (("/v?/*",), 0, None),
    ],
)
def test_an_echo_is_looked_for_below_a_behavior(
    patterns: tuple[str, ...], number: int, expected: str | None
) -> None:
    assert echo_below(patterns, number, "/echo") == expected
