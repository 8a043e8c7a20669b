"""What has to go besides the account, wherever one is removed."""

from datetime import datetime

from application.ports.store import UnitOfWork
from domain.access import UserId


def remove_account(work: UnitOfWork, id: UserId, *, now: datetime) -> None:
    """Remove a user with all that is theirs, and with what is kept of them elsewhere.

    Others' kept answers go last: whoever was about to add one has by then, or never will.
    """
    work.changes.note_owner_gone(id, at=now)
    work.users.remove(id)
    work.audit.erase(id)
    work.replays.remove_naming(id)
