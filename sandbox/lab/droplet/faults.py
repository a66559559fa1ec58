"""Why a droplet cannot be booted."""


class BootError(Exception):
    """A droplet cannot be booted; the message says why and what to do."""
