"""The executable `pulumi-resource-random`: `python -m sandbox.plugins.random ENGINE_ADDRESS`."""

import sys

from sandbox.plugins.process import serve
from sandbox.plugins.random.package import package

serve(package(), sys.argv[1:])
