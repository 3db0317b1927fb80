"""The settings of alerts: from when on something is told."""

from pydantic import BaseModel, Field

__all__ = ["AlertSettings"]


class AlertSettings(BaseModel):
    """When an alert is raised. They are settings like all others."""

    alert_lag: float | None = Field(
        default=None,
        gt=0,
        description="Seconds that a scheduled sync may be behind before an alert is raised, in place of "
        "`alert_lag_factor`.",
    )
    alert_lag_factor: float = Field(
        default=3,
        ge=1,
        description="How many of its intervals a sync may be behind before an alert is raised, but never less than 15 "
        "minutes; with a cron expression, an hour after it was due.",
    )
    alert_failures: int = Field(
        default=3, ge=0, description="Failures of a sync in a row at which an alert is raised; 0 for never."
    )
    alert_api_share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="The share of daily API requests at which an alert is raised; by default `api_limit_share`.",
    )
