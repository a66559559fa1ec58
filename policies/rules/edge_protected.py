"""A distribution should be protected from deletion.

Records, and the resolvers that remember them, lead to the distribution's name, which a new
distribution does not get back; while its origin's name is not known, a preview may also show a
distribution as about to be replaced. With `protect` the engine refuses both until it is taken off
on purpose.

Source: Pulumi documentation, "Resource option: protect"; pulumi-aws issue 5229.
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION
from policies.model import Finding, Place, Rule

REMEDY = "Set the resource option protect to true."


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for a distribution without the option `protect`."""
    around = distribution.around
    if not around.resource.protected:
        option = Place("option protect", value=False, around=around)
        yield option.finding("true", REMEDY)


RULE = Rule(
    name="edge-protected",
    text=__doc__,
    url="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
    severity="medium",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
)
