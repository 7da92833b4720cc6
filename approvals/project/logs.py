"""The log as lines for people or as JSON for programs."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

_EXTRAS = ("request_id", "flow_run_id", "method", "path", "status", "milliseconds")


class JsonFormatter(logging.Formatter):
    """Writes each record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        extras = {name: getattr(record, name, "") for name in _EXTRAS}
        # Django gives its own records a request and a status of its own kind
        line |= {
            name: text for name, text in extras.items() if isinstance(text, str | int) and text
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logs(*, is_json: bool, level: str) -> dict[str, Any]:
    """Return what Python's `logging.config` needs."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
            "json": {"()": "approvals.project.logs.JsonFormatter"},
        },
        "filters": {
            "context": {"()": "flowruns.web.request_context.AddContext"},
            "outages": {"()": "flowruns.pubsub.outages.LeaveToOutages"},
            "hosts": {"()": "approvals.views.wrong_hosts.EachOnce"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "json" if is_json else "line",
                "filters": ["context"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR", "filters": ["outages"]},
            "django.security.DisallowedHost": {"filters": ["hosts"]},
            "axes": {"level": "ERROR"},
            # It tells of each attempt to connect; `outages` tells of the database, once
            "psycopg.pool": {"level": "ERROR"},
            # It tells of each request to another server
            "httpx": {"level": "WARNING"},
            # It prints where in its code a server fell silent; who follows the server says so
            "websockets.client": {"level": "CRITICAL"},
        },
    }
