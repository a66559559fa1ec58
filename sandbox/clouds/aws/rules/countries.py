"""The countries of ISO 3166-1, by which Route 53 routes and CloudFront refuses."""

from functools import cache
from typing import cast

from moto.core.utils import get_service_model


@cache
def country_codes() -> frozenset[str]:
    """Return the codes of ISO 3166-1: those of Route 53 Domains, put right where they differ."""
    shape = get_service_model("route53domains").shape_for("CountryCode")
    return frozenset(cast("list[str]", shape.metadata["enum"])) - {"AC", "AN", "TP"} | {"UM"}
