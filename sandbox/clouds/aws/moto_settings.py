"""What a test may change about the cloud while it runs."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class MotoSettings(BaseModel):
    """How slow and how strict the cloud is; the defaults suit a developer in a hurry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deploy_seconds: Seconds = 1.0
    """How long a distribution stays `InProgress` after it was created or updated.
    AWS takes minutes."""

    change_seconds: Seconds = 0.0
    """How long a Route 53 change stays `PENDING` before it is `INSYNC`. AWS takes up to 60."""

    issue_seconds: Seconds = 0.0
    """How long ACM takes to issue a certificate once every validation record exists.
    AWS takes minutes, sometimes half an hour."""

    health: Mapping[str, bool] = {}
    """Whether checkers found each health check healthy, by id; an open lab says so."""

    reject_while_pending: bool = False
    """Refuse a change to a hosted zone with `PriorRequestNotComplete` while another is `PENDING`.
    AWS does so now and then; here it is always or never."""

    throttle_per_second: Annotated[int, Field(ge=1)] | None = None
    """Refuse Route 53 requests of one action beyond so many a second with `Throttling`; None never
    does. AWS allows 10."""

    throttle_burst: Annotated[int, Field(ge=1)] | None = None
    """How many requests of one action may come at once where there were few before; None: as many
    as in a second. AWS allows 50."""

    record_changes_per_second: Annotated[int, Field(ge=1)] | None = None
    """Refuse batches of Route 53 beyond so many changes of records a second with `Throttling`; None
    never does. What AWS allows is not public."""

    record_changes_burst: Annotated[int, Field(ge=1)] | None = None
    """How many changes of records may come at once; None: as many as in a second."""

    aliases_elsewhere: Mapping[str, str] = {}
    """Aliases that distributions of other accounts have, each with the account's id."""
