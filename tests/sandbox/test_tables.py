"""The tables of `make up` and `make lab` fit a terminal, and break no name."""

import math

import pytest

from sandbox.tables import table_lines

COLUMNS = ("host", "what it is", "addresses")
HOSTS = [
    ("edge-1", "node of CloudFront", "198.18.1.1 2001:db8:cf:1::1"),
    ("droplet-dualstack-edge-sandbox-edge-proxy-ams3-1", "droplet 1000001", "198.51.100.2"),
]


def printed(width: float) -> list[str]:
    return list(table_lines(COLUMNS, HOSTS, ("what it is", "addresses"), width))


def test_a_file_has_all_of_it_in_one_line_a_row() -> None:
    assert printed(math.inf) == [
        "host                                              what it is          addresses",
        (
            "edge-1                                            node of CloudFront  198.18.1.1 "
            "2001:db8:cf:1::1"
        ),
        "droplet-dualstack-edge-sandbox-edge-proxy-ams3-1  droplet 1000001     198.51.100.2",
    ]


def test_several_addresses_get_a_line_each_before_a_column_is_left_out() -> None:
    assert printed(90)[1:3] == [
        "edge-1                                            node of CloudFront  198.18.1.1",
        f"{'':68}  2001:db8:cf:1::1",
    ]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(80, "what it is"), (60, "what it is, addresses"), (20, "what it is, addresses")],
)
def test_a_narrow_terminal_leaves_columns_out_and_says_so(width: int, left_out: str) -> None:
    *table, said = printed(width)
    assert said == f"Not shown in {width} columns: {left_out}."
    assert all(len(line) <= max(width, len(HOSTS[1][0])) for line in table)
    assert HOSTS[1][0] in "\n".join(table)
    assert ("2001:db8:cf:1::1" in "\n".join(table)) is ("addresses" not in left_out)


def test_a_value_is_whole_however_narrow_it_is() -> None:
    value = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"
    assert list(table_lines(("output", "value"), [("arn", value)], (), 20))[1] == f"arn     {value}"
