"""`DualStackEdge` for programs in every language: `pulumi package add <checkout>/plugin`."""

from importlib.metadata import version

from pulumi.provider.experimental import component_provider_host

from components.edge import DualStackEdge

NAME = "dualstack"
"""Name of the package; the first part of every component's type."""

if __name__ == "__main__":
    component_provider_host([DualStackEdge], NAME, version=version("dualstack-edge"))
