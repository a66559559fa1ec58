"""The mandatory pack. `serve` serves until the engine ends it, so nothing stands below it."""

import sys
from pathlib import Path

# Pulumi starts a pack with `python -m` in the folder of the program that it judges. That folder
# is then on the path before what is installed, and may have a `policies` of its own.
if not sys.flags.safe_path and sys.path[1:2] == [str(Path.cwd())]:
    del sys.path[1]

from policies.rules import DUAL_STACK
from policies.server import serve

serve(DUAL_STACK)
