"""Where a Prefect server is, and what opens it."""

import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Self

from flowruns.connectors.prefect.errors import Unreachable
from flowruns.models import RemoteServer
from flowruns.services.servers import Credentials, CredentialsKind, read_credentials, read_headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The API of a server (`url`, without a slash at its end), and how to reach it."""

    url: str
    is_cloud: bool = False
    credentials: Credentials = field(default_factory=Credentials)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    ca_file: str = ""

    @classmethod
    def of(cls, server: RemoteServer) -> Self:
        """Read the address of a server; raises `EncryptionKeyChanged`."""
        return cls(
            url=server.url.rstrip("/"),
            is_cloud=server.kind == RemoteServer.Kind.CLOUD,
            credentials=read_credentials(server),
            headers=tuple(read_headers(server).items()),
            ca_file=server.ca_file,
        )

    @property
    def is_encrypted(self) -> bool:
        return self.url.startswith("https://")

    @property
    def socket_url(self) -> str:
        """The address of the stream of events."""
        return f"ws{self.url.removeprefix('http')}/events/out"

    @property
    def health_url(self) -> str:
        """What answers only who has the credentials: the version, or in the cloud one's workspaces.

        The address of a workspace is …/api/accounts/<id>/workspaces/<id>.
        """
        if self.is_cloud:
            return f"{self.url.partition('/accounts/')[0]}/me/workspaces"
        return f"{self.url}/admin/version"

    @property
    def request_headers(self) -> dict[str, str]:
        secret = self.credentials.secret
        match self.credentials.kind:
            case CredentialsKind.BASIC:
                opens = {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"}
            case CredentialsKind.BEARER:
                opens = {"Authorization": f"Bearer {secret}"}
            case CredentialsKind.NONE:
                opens = {}
        return opens | dict(self.headers)

    def trust(self) -> ssl.SSLContext:
        """Return the certificates to trust, with those of the CA file; raises `Unreachable`."""
        context = ssl.create_default_context()
        try:
            if self.ca_file:
                context.load_verify_locations(self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise Unreachable(f"The CA file {self.ca_file} cannot be read: {error}.") from None
        return context
