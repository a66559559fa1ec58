"""The package `random`: its resources, as the engine asks for them."""

from importlib import metadata

from sandbox.plugins.random.password import NoSession, RandomPasswordStandIn
from sandbox.plugins.resource import Package
from sandbox.plugins.schema import ClassRef


def random_package() -> Package[NoSession]:
    """Return all that the stand-in for the random plugin offers."""
    password = RandomPasswordStandIn()
    return Package(
        name="random",
        version=metadata.version("pulumi-random"),
        config=ClassRef("pulumi_random.provider", "ProviderArgs"),
        check_config=lambda _: (),
        connect=lambda _: NoSession(),
        explain=str,
        resources={password.type_name: password},
        functions={},
    )
