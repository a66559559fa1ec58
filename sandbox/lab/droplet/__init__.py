"""A droplet of the lab: booted from its user data as cloud-init would, in namespaces of its own.

`programs` is what the lab asks for; `python -m sandbox.lab.droplet` is what it then runs.
"""

from sandbox.lab.droplet.program import programs

__all__ = ["programs"]
