"""What asks: HTTP, sockets and name servers, and the ways to an API that they find."""
