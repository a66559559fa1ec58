"""The mandatory pack. `serve` serves until the engine ends it, so nothing stands below it."""

from policies.rules import DUAL_STACK
from policies.server import serve

serve(DUAL_STACK)
