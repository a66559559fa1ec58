"""`pulumi-resource-digitalocean`: `python -m sandbox.plugins.digitalocean ENGINE_ADDRESS`.

The SDK's `__init__` imports all of its 190 modules, which takes half a second, and a plugin is
started several times in one `pulumi up`. Only the modules of what a program uses are needed, so
the SDK is made a package whose `__init__` is not run.
"""

import importlib.util
import sys

from sandbox.plugins.digitalocean.digitalocean_package import SDK, digitalocean_package
from sandbox.plugins.process import serve

spec = importlib.util.find_spec(SDK)
if spec is not None:
    sys.modules[SDK] = importlib.util.module_from_spec(spec)
serve(digitalocean_package(), sys.argv[1:])
