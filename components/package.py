"""The component as a package: what a program in any language is told of it.

Pulumi's own provider checks the inputs before the component sees them, stops at the first that is
missing with a sentence of its own, takes what is no object for an empty one, and shows an error of
the component with its stack trace. The settings check all of that themselves, report every fault
at once and say what mends it: inputs are handed on as they came, and a fault is shown as it reads.
"""

from collections.abc import Mapping
from typing import Any, cast

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError


class EdgePackage(ComponentProvider):
    """Constructs components for programs that know only the schema."""

    def map_inputs(self, inputs: Mapping[str, Any], component_def: Any) -> dict[str, Any]:
        """Return inputs by the names of the component's arguments; nothing else is changed.

        Args:
            inputs: The inputs, by their names in the schema.
            component_def: What the schema was made from.
        """
        names = cast("Mapping[str, str]", component_def.inputs_mapping)
        return {names.get(name, name): value for name, value in inputs.items()}

    def construct(self, *args: Any, **kwargs: Any) -> ConstructResult:
        """Construct a component.

        Raises:
            InputPropertiesError: What the component says is wrong, and nothing else.
        """
        try:
            return super().construct(*args, **kwargs)
        except ComponentInitError as error:
            if isinstance(error.inner, pulumi.RunError):
                raise InputPropertiesError(str(error.inner), []) from error
            raise
