"""The API key of this machine's own flows: kept in a file that the SDK reads by itself."""

import socket
from pathlib import Path

from approvals.management.private_files import one_at_a_time, read_private, write_private
from flowruns.models import ApiKey
from flowruns.services.api_keys import create_api_key, find_any_api_key

KEY_FILE = "api-key"
_KIND = "local"
_SCOPES = [ApiKey.Scope.FLOWS, ApiKey.Scope.RESUME]


def keep_local_key(home: Path) -> str:
    """Return the key in the file if it is valid here, else a new one; "" where it was revoked.

    What an operator has revoked is not made anew, and no other host's key is replaced.
    """
    path = home / KEY_FILE
    with one_at_a_time(home):
        key = read_private(path)
        found = find_any_api_key(key) if key else None
        if found is not None and found.revoked_at is None and _is_local(found):
            return key
        names = {known.name: known for known in ApiKey.objects.filter(name__startswith=_KIND)}
        mine = [known for name, known in names.items() if _belongs_here(name)]
        if any(known.revoked_at for known in mine):
            return ""
        key = create_api_key(_free_name(set(names)), scopes=_SCOPES)
        write_private(path, f"{key}\n")
        return key


def _is_local(key: ApiKey) -> bool:
    return key.name == _KIND or key.name.startswith(f"{_KIND}@")


def _belongs_here(name: str) -> bool:
    """Whether this host may have had the key; `local` is any host's of an earlier release."""
    return name in {_KIND, _name_here()} or name.startswith(f"{_name_here()}-")


def _name_here() -> str:
    return f"{_KIND}@{socket.gethostname()}"


def _free_name(taken: set[str]) -> str:
    """Name the key after its host; two home folders of one host have keys of their own."""
    name, count = _name_here(), 1
    while name in taken:
        count += 1
        name = f"{_name_here()}-{count}"
    return name
