"""The advisory pack. `serve` serves until the engine ends it, so nothing stands below it."""

from policies.rules import HARDENING
from policies.server import serve

serve(HARDENING)
