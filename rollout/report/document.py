"""What a report is about, typed: what `dualstack report --json` prints."""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rollout.simulate.figures import Foretelling


class PlanReport(BaseModel):
    """The plan of a shift, with what is expected of it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    kind: Literal["plan"] = "plan"
    """What the report is about."""
    stack: str | None
    """Name of the stack whose schedule it is; null: the weights were given."""
    figures: Foretelling
    """All figures of the schedule, as `dualstack simulate --json` prints them."""


def as_json(report: PlanReport) -> str:
    """Return a report as its schema describes it."""
    return report.model_dump_json(indent=2)


def schema() -> str:
    """Return the JSON schema of a report, `docs/schemas/report.json`."""
    return json.dumps(PlanReport.model_json_schema(mode="serialization"), indent=2) + "\n"
