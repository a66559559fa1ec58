"""The IPv4-only load balancer of the lab with an API behind it that echoes.

One process serves every deployed load balancer, of every kind, and stands for the API too:
listeners on its IPv4 addresses, and what AWS documents that each kind does to what passes.

Where it differs from AWS and from an API of one's own:

- The API is spoken to in the protocol that the client spoke: a target group of HTTP/2 for HTTP/2.
  AWS's default is HTTP/1.1 for both.
- A listener of TCP passes bytes on, so the API itself ends TLS there, with the certificate the load
  balancer is given in the lab; a connection that doesn't begin with TLS is plain HTTP.
- A classic load balancer passes WebSocket on behind HTTP listeners as well; AWS's does only behind
  TCP ones. HTTP/1.0 stays what it is.
- One that reads HTTP passes no informational answer of the API's on. AWS documents nothing of it;
  people see application load balancers drop 103 (shakapacker, "Early Hints").
- There are no listener rules, no access logs, no health checks of targets: the API is healthy.
- PROXY protocol is read by the API from the client's first bytes, version 1, where a listener of
  TCP, SSL or TLS passes it on. A connection without it is taken for one to which the load balancer
  has added it.
"""

from sandbox.lab.origin.load_balancer import program, unsupported

__all__ = ["program", "unsupported"]
