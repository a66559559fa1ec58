"""The Pulumi engine on this machine: the real one, installed or built.

`find` answers with an `Engine`; `language_host` is the small Python language host used where the
official one is absent; `shell` turns an engine and a running cloud into the environment in which
the plain `pulumi` command works on the sandbox.
"""

RUNNER_VARIABLE = "DUALSTACK_PROGRAM_RUNNER"
"""Environment variable with the path of Pulumi's `pulumi-language-python-exec`."""
