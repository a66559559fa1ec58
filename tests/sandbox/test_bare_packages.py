"""Packages whose `__init__` is left out: their modules work, and nothing else is imported."""

import subprocess
import sys

import pytest

PROTOCOL = """\
import sys
from sandbox.bare_packages import leave_out_inits
leave_out_inits("pulumi", "pulumi.runtime")
from sandbox.engine.language_host.host import LanguageHost
from pulumi.runtime.proto import language_pb2
print(language_pb2.RunRequest(stack="try").stack, "pulumi.resource" in sys.modules)
"""

STAND_IN = """\
import runpy, sys
import sandbox.plugins.process
from sandbox.plugins.schema import of_class, of_function, result_names
served = []
sandbox.plugins.process.serve = lambda package, arguments: served.append(package)
runpy.run_module("sandbox.plugins.aws", run_name="__main__")
(package,) = served
kinds = [of_class(ref) for r in package.resources.values() for ref in (r.args, r.outputs)]
kinds += [of_function(function.args) for function in package.functions.values()]
results = [result_names(function.result) for function in package.functions.values()]
print(all(kinds) and all(results), "pulumi_aws.cloudfront.function" in sys.modules)
"""


@pytest.mark.parametrize(
    ("program", "printed"), [(PROTOCOL, "try False\n"), (STAND_IN, "True False\n")]
)
def test_only_what_is_used_is_imported(program: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (printed, "")


def test_what_is_not_installed_or_imported_already_stays_as_it_is() -> None:
    program = (
        "import json; from sandbox.bare_packages import leave_out_inits\n"
        "leave_out_inits('no_such_package', 'json')\n"
        "print(json.loads('1'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
