"""What a proxy finds upstream: a load balancer, and a name server that knows its name."""

import socket
import threading
from contextlib import suppress

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from support.waiting import PATIENCE_SECONDS


class NameServer:
    """A name server that knows one name, refuses all others, and signs nothing.

    Unlike a real one it speaks UDP only, and gives every answer a TTL of one second.
    """

    def __init__(self, address: str, name: str, addresses: list[str], port: int = 0) -> None:
        """Serve from now on.

        Args:
            address: Where it listens, in the network of the thread that calls.
            name: The name.
            addresses: Its IPv4 addresses; without any there is no such name.
            port: Where it listens; 0: wherever there is room.
        """
        self.addresses = addresses
        self.questions: set[tuple[str, str]] = set()
        """Name and type of everything that it was asked."""
        self._name = name
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port))
        self.port: int = self._socket.getsockname()[1]
        # What ends it is a message, and made here, because the caller may be elsewhere by then.
        self._last = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        with self._last, self._socket:
            self._last.sendto(b"", self._socket.getsockname())
            self._thread.join()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(self._answer(query), client)

    def _answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query, recursion_available=True)
        answer.flags |= dns.flags.AA
        (question,) = query.question
        name, kind = str(question.name).lower().rstrip("."), question.rdtype.name
        self.questions.add((name, kind))
        if name != self._name:
            answer.set_rcode(dns.rcode.REFUSED)
        elif not self.addresses:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif kind == "A":
            answer.answer.append(dns.rrset.from_text(question.name, 1, "IN", "A", *self.addresses))
        else:
            answer.authority.append(dns.rrset.from_text(".", 1, "IN", "SOA", "a. b. 1 1 1 1 1"))
        return answer.to_wire()


class LoadBalancerAddress:
    """One address of a load balancer, as TCP sees it: it sends back what it gets.

    Each connection begins with the address itself, so that a test sees whom it talks to; a real
    load balancer is silent until it is asked.
    """

    def __init__(self, address: str, port: int = 443) -> None:
        """Serve from now on, in the network of the thread that calls."""
        self.address = address
        self.received: list[bytearray] = []
        self._threads: list[threading.Thread] = []
        self._socket = socket.create_server((address, port))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        # Only a shutdown wakes a thread that waits in accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                received = bytearray()
                self.received.append(received)
                thread = threading.Thread(target=self._echo, args=(client, received))
                self._threads.append(thread)
                thread.start()

    def _echo(self, client: socket.socket, received: bytearray) -> None:
        with client, suppress(OSError):
            client.sendall(self.address.encode())
            while data := client.recv(65_536):
                received += data
                client.sendall(data)
