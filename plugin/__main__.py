"""`DualStackEdge` for programs in every language: `pulumi package add <checkout>/plugin`."""

import sys
from importlib.metadata import version

from pulumi.provider import main

from components.edge import DualStackEdge
from components.package import EdgePackage

NAME = "dualstack"
"""Name of the package; the first part of every component's type."""

if __name__ == "__main__":
    main(EdgePackage([DualStackEdge], NAME, version=version("dualstack-edge")), sys.argv[1:])
