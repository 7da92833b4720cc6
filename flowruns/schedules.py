"""When a served flow starts by itself: `from flowruns.schedules import Cron, Interval, RRule`.

Names and semantics of `prefect.schedules` in Prefect 3.9. The server makes the runs.
"""

from flowruns.sdk.serving.schedules import Cron, Interval, RRule, Schedule

__all__ = ["Cron", "Interval", "RRule", "Schedule"]
