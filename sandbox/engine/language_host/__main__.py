"""The executable `pulumi-language-python`: of Pulumi's SDK it needs the protocol alone."""

from sandbox.bare_packages import leave_out_inits

leave_out_inits("pulumi", "pulumi.runtime")

from sandbox.engine.language_host.host import main  # noqa: E402 - not before the line above

main()
