"""What several rules know about DigitalOcean's resources.

Source: DigitalOcean API Reference, "Droplets" and "Firewalls".
"""

from typing import Final

DROPLET: Final = frozenset({"digitalocean:index/droplet:Droplet"})
"""The resource types of a proxy's host."""

FIREWALL: Final = frozenset({"digitalocean:index/firewall:Firewall"})
"""The resource types of a cloud firewall."""
