"""The language host for Python that the engine starts: `python -m sandbox.engine.language_host`."""
