"""Packages that are there without what their `__init__` imports.

Pulumi's SDKs import all that they have from there: hundreds of modules, of which a language host
needs the protocol alone, and a stand-in those of the resources it knows. Each process of the engine
would spend most of its time on the others, and a command starts six of them.

Only for a process that never needs the rest of such a package: call it there first of all.
"""

import sys
from importlib.util import find_spec, module_from_spec


def leave_out_inits(*names: str) -> None:
    """Have packages whose `__init__` never runs; their modules are imported as usual.

    Args:
        names: The packages, a parent before its children. One that is imported already stays as it
            is, and so does one that is not installed.
    """
    for name in names:
        if name not in sys.modules and (spec := find_spec(name)) is not None:
            sys.modules[name] = module_from_spec(spec)
