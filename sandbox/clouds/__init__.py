"""The cloud APIs of the sandbox, each a process of its own on loopback."""
