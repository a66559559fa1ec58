"""A cloud on this machine: engine, plugins and local clouds to try the edge in."""
