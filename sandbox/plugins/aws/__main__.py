"""The executable `pulumi-resource-aws`: `python -m sandbox.plugins.aws ENGINE_ADDRESS`."""

import sys

from sandbox.plugins.aws.package import package
from sandbox.plugins.process import serve

serve(package(), sys.argv[1:])
