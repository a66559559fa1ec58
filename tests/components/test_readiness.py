"""Waiting for a droplet to serve, on a clock of its own."""

import asyncio
import errno
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from components.readiness import (
    NotServingError,
    WaitingTools,
    deadline,
    real_world,
    wait_until_serving,
)

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
NO_IPV6 = OSError(errno.ENETUNREACH, "network is unreachable")


class ScriptedDroplet:
    """A droplet that answers as its script says, and a clock that moves when somebody waits."""

    def __init__(self, answer: Callable[[int, int], Exception | None]) -> None:
        self.answer = answer
        self.seconds = 0.0
        self.tried: list[tuple[str, int]] = []
        self.messages: list[str] = []
        self.warnings: list[str] = []

    def wait(
        self, ports: tuple[int, ...] = (443,), given: int = 60, *, untested: bool = False
    ) -> None:
        until = START + timedelta(seconds=given)
        world = self.world()
        asyncio.run(
            wait_until_serving("fra1-1", "2001:db8::1", ports, until, world, wait_untested=untested)
        )

    def world(self) -> WaitingTools:
        async def connect(address: str, port: int) -> None:
            self.tried.append((address, port))
            if error := self.answer(int(self.seconds), port):
                raise error

        async def sleep(seconds: float) -> None:
            self.seconds += seconds

        return WaitingTools(
            connect,
            lambda _address: self.answer(int(self.seconds), 443) is not NO_IPV6,
            lambda: START + timedelta(seconds=self.seconds),
            sleep,
            self.messages.append,
            self.warnings.append,
        )


def test_a_droplet_that_serves_every_port_is_waited_for_no_longer() -> None:
    scene = ScriptedDroplet(lambda seconds, port: REFUSED if port == 443 and seconds < 20 else None)
    scene.wait(ports=(80, 443))
    assert scene.seconds == 20
    assert scene.tried[-2:] == [("2001:db8::1", 80), ("2001:db8::1", 443)]
    assert scene.messages == [
        "Proxy fra1-1 does not serve at 2001:db8::1 yet; waiting until 03:05:05 UTC at most."
    ]
    assert scene.warnings == []


@pytest.mark.parametrize(
    "error",
    [REFUSED, TimeoutError(), OSError(errno.ENETUNREACH, "no route on the way")],
    ids=["refused", "no answer", "a router on the way has no route yet"],
)
def test_a_droplet_that_does_not_come_to_serve_stops_the_deployment(error: Exception) -> None:
    scene = ScriptedDroplet(lambda _seconds, _port: error)
    with pytest.raises(NotServingError) as caught:
        scene.wait(ports=(80, 443))
    assert scene.seconds == 60
    assert str(caught.value) == (
        "The addresses that did not move yet were left where they are:\n"
        "  - Proxy fra1-1 at 2001:db8::1 is not serving port 80 or 443; a droplet that answers "
        "there by 03:05:05 UTC. Look at /var/log/cloud-init-output.log on it, then repeat pulumi "
        "up; to have a new droplet made, use pulumi up --replace with its URN."
    )


def test_a_machine_without_ipv6_stops_because_it_cannot_tell() -> None:
    scene = ScriptedDroplet(lambda _seconds, _port: NO_IPV6)
    with pytest.raises(NotServingError) as caught:
        scene.wait()
    assert (scene.seconds, len(scene.tried)) == (0, 1)
    assert str(caught.value) == (
        "The addresses that did not move yet were left where they are:\n"
        "  - Proxy fra1-1 at 2001:db8::1 is not testable from this machine, which has no IPv6; a "
        "droplet that was seen to serve before its address is moved to it. Deploy from a machine "
        "with IPv6, which goes on from here, or set proxy.whenUntestable to wait to have the "
        "address moved after proxy.readySeconds, unseen."
    )


def test_a_machine_without_ipv6_waits_where_it_is_told_to_and_says_that_it_cannot_tell() -> None:
    scene = ScriptedDroplet(lambda _seconds, _port: NO_IPV6)
    scene.wait(untested=True)
    assert scene.seconds == 60
    (warning,) = scene.warnings
    assert warning == (
        "This machine has no IPv6, so nobody knows whether proxy fra1-1 serves at 2001:db8::1 yet. "
        "It was given its time and, as proxy.whenUntestable says, is now taken to."
    )


def test_a_droplet_that_is_old_enough_is_asked_once_and_not_waited_for() -> None:
    scene = ScriptedDroplet(lambda _seconds, _port: NO_IPV6)
    scene.wait(given=-300, untested=True)
    assert (scene.seconds, len(scene.tried)) == (0, 1)


def test_time_is_counted_from_the_droplet_s_creation() -> None:
    assert deadline("2026-01-02T03:04:05Z", 90) == START + timedelta(seconds=90)


def test_the_real_network_tells_a_port_that_serves_from_one_that_does_not() -> None:
    async def scene() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            world = real_world(pytest.fail, pytest.fail)
            await wait_until_serving("one", "127.0.0.1", [port], world.now(), world)
        with pytest.raises(NotServingError):
            await wait_until_serving("one", "127.0.0.1", [port], world.now(), world)

    asyncio.run(scene())
