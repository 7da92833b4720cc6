"""What can go wrong between this desk and a Prefect server.

RemoteTrouble
├── Unreachable       nothing was sent
├── Unconfirmed       sent, and nobody said what became of it
├── Unauthorized      the server refuses the credentials, or what they may do
├── Busy              the server asks to wait
├── RemoteFault       the server failed, or speaks otherwise than a Prefect server
├── UnknownVersion    runs there can be read, but how they are answered is not known
└── NeedsAttempt      asked of a connector that answers in steps

A run, flow, deployment or artifact that is gone is an error of the `domain`, as on any server.
"""


class RemoteTrouble(Exception):
    """The server cannot be used."""

    # Whether the same will fail again until somebody changes something.
    is_permanent = False

    def __init__(self, words: str = "") -> None:
        self.words = words or (type(self).__doc__ or "")
        super().__init__(self.words)


class _Unanswered(RemoteTrouble):
    def __init__(self, words: str = "", *, took_too_long: bool = False) -> None:
        super().__init__(words)
        self.took_too_long = took_too_long


class Unreachable(_Unanswered):
    """The server cannot be reached. Nothing was sent."""


class Unconfirmed(_Unanswered):
    """The request was sent, and the server has not confirmed it."""


class Unauthorized(RemoteTrouble):
    """The server does not accept this desk's credentials."""

    is_permanent = True


class Busy(RemoteTrouble):
    """The server is busy."""

    def __init__(self, words: str = "", *, retry_after: float) -> None:
        super().__init__(words)
        # Seconds to wait.
        self.retry_after = retry_after


class RemoteFault(RemoteTrouble):
    """The server failed."""


class UnknownVersion(RemoteTrouble):
    """This desk does not know how runs are answered on this version of the server."""

    is_permanent = True


class NeedsAttempt(RemoteTrouble):
    """A run on another server is answered in steps: claim, move, look."""

    is_permanent = True
