"""The API key of this machine's own flows: kept in a file that the SDK reads by itself."""

from pathlib import Path

from approvals.private_files import one_at_a_time, read_private, write_private
from flowruns.models import ApiKey
from flowruns.services.api_keys import find_api_key, replace_api_key

KEY_FILE = "api-key"
_NAME = "local"


def keep_local_key(home: Path) -> str:
    """Return the key in the file if it is valid here, else a new one that replaces it."""
    path = home / KEY_FILE
    with one_at_a_time(home):
        key = read_private(path)
        found = find_api_key(key) if key else None
        if found is None or found.name != _NAME:
            key = replace_api_key(_NAME, scopes=ApiKey.Scope.values)
            write_private(path, f"{key}\n")
        return key
