"""What happens to approvals, told inside the transaction in which it happens."""

from django.dispatch import Signal

# Receivers get `approval`, whose turn has come for people who could not answer it before
approval_waits = Signal()
# Receivers get `approval`, which waits still, and the `step` that says so
approval_reminds = Signal()
# Receivers get `approval`, whose question has come after its pause
approval_described = Signal()
# Receivers get `approval`, whose decision is recorded where there is one
approval_closed = Signal()
# Receivers get `comment`, which was written or edited, and the people that it `mentions`
comment_written = Signal()
