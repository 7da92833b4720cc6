"""The variables of processes that tests start, and the environments of Prefect's releases."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
PREFECT_PYTHON = _ROOT / ".venv-prefect" / "bin" / "python"
OLDER_PREFECT_PYTHON = _ROOT / ".venv-prefect-older" / "bin" / "python"

# Prefect's client loads all usual ones several times in each process, 35 ms each, to ask by http
_CERTIFICATE = str(_ROOT / "tests" / "data" / "certificate.pem")
_ONE_CERTIFICATE = {"PREFECT_API_SSL_CERT_FILE": _CERTIFICATE, "SSL_CERT_FILE": _CERTIFICATE}


def clean_environment(*, has_certificates: bool = True) -> dict[str, str]:
    """Return this process's environment without what would configure a server or a flow.

    Flows and Prefect's processes load all usual certificates only where they are measured.
    """
    ours = ("FLOWRUNS_", "PREFECT_", "DJANGO_", "APPROVALS_", "DATABASE_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return clean if has_certificates else clean | _ONE_CERTIFICATE
