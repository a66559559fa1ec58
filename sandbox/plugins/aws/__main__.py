"""The executable `pulumi-resource-aws`: `python -m sandbox.plugins.aws ENGINE_ADDRESS`."""

import sys

from sandbox.plugins.aws.aws_package import aws_package
from sandbox.plugins.process import serve

serve(aws_package(), sys.argv[1:])
