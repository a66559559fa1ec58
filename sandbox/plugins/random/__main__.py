"""The executable `pulumi-resource-random`: `python -m sandbox.plugins.random ENGINE_ADDRESS`."""

import sys

from sandbox.plugins.process import serve
from sandbox.plugins.random.random_package import random_package

serve(random_package(), sys.argv[1:])
