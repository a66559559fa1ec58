"""`pulumi-resource-digitalocean`: `python -m sandbox.plugins.digitalocean ENGINE_ADDRESS`.

The SDK's `__init__` imports all of its 190 modules, which takes half a second, and a plugin is
started several times in one `pulumi up`. Only the modules of what a program uses are needed.
"""

import sys

from sandbox.bare_packages import leave_out_inits
from sandbox.plugins.digitalocean.digitalocean_package import SDK, digitalocean_package
from sandbox.plugins.process import serve

leave_out_inits(SDK)
serve(digitalocean_package(), sys.argv[1:])
