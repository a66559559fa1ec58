"""A droplet of the lab: a real Debian with its own systemd and cloud-init, in namespaces.

`programs` is what the lab asks for; `python -m sandbox.lab.droplet` is what it then runs. Where is
what: `roots` makes the Debian systems that droplets boot, `machine` starts one of them, `__main__`
keeps it running, `metadata` is DigitalOcean's metadata service, `control_groups` makes a control
group that is gone with the droplet.
"""

from sandbox.lab.droplet.program import programs, unsupported

__all__ = ["programs", "unsupported"]
