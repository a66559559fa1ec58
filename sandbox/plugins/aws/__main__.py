"""The executable `pulumi-resource-aws`: `python -m sandbox.plugins.aws ENGINE_ADDRESS`.

A package of the SDK imports all of its modules, `cloudfront` some fifty, of which one is needed.
"""

import sys

from sandbox.bare_packages import leave_out_inits
from sandbox.plugins.aws.aws_package import SDK, aws_package
from sandbox.plugins.process import serve

package = aws_package()
folders = {
    token.split(":")[1].partition("/")[0] for token in (*package.resources, *package.functions)
}
leave_out_inits(SDK, *(f"{SDK}.{folder}" for folder in sorted(folders)))
serve(package, sys.argv[1:])
