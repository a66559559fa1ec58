"""The executable `pulumi-resource-random`: `python -m sandbox.plugins.random ENGINE_ADDRESS`."""

import sys

from sandbox.plugins.random.package import package
from sandbox.plugins.server import serve

serve(package(), sys.argv[1:])
