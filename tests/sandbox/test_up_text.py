"""What `make up` prints last fits what was deployed."""

from typing import Any

import pytest

from sandbox.cli import next_steps, show

RECORD = {"name": "a", "type": "A", "setIdentifier": "direct", "weight": 1, "target": "x"}


def test_where_the_stack_declares_records_it_shows_them_and_how_to_move_one_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outputs: dict[str, Any] = {"hostnames": ["a"], "records": [RECORD]}
    show(outputs, {})
    assert "a     A     direct         1       x\n" in capsys.readouterr().out
    assert "traffic.cdn 1" in next_steps(outputs)


def test_where_it_declares_none_it_shows_no_table_and_how_to_take_over_what_serves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outputs: dict[str, Any] = {"hostnames": ["a"], "records": []}
    show(outputs, {"create": 2})
    assert capsys.readouterr().out == (
        'output     value\nhostnames  ["a"]\n\nThe edge is up (create 2).\n'
    )
    text = next_steps(outputs)
    assert "dualstack adopt --skip-certificate" in text
    assert "traffic" not in text
