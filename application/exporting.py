"""One's own data: everything that is held about a user, part by part and page by page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from application.auditing import Auditor, as_told_to
from application.mailing import Mailroom, WaitingLetter
from application.ports.places import Place
from application.ports.records import AuditFilter
from application.ports.store import Reading, Repositories, UnitsOfWork
from application.ports.surroundings import Clock
from application.proving import held
from application.second_factor import SecondFactorStatus, status_of
from application.sessions import LiveSessions
from application.throttling import Throttle
from domain.access import Person
from domain.audit import Action
from domain.errors import TokenRevoked
from domain.listing import ItemQuery, Sort, Whose
from domain.user import User

T = TypeVar("T")

AT_ONCE = 50
"""Entries in one page at most: of the largest items, some megabytes."""


class Part(StrEnum):
    """What is held about a user besides the account itself, each part a list."""

    SESSIONS = "sessions"
    WAITING_SIGN_INS = "waiting_sign_ins"
    """What has still to be finished with a second factor."""
    KEYS = "keys"
    IDENTITIES = "identities"
    LINKS = "links"
    """What links in mails are good for."""
    MAILS = "mails"
    """What is still to be sent."""
    ITEMS = "items"
    GRANTS_GIVEN = "grants_given"
    GRANTS_RECEIVED = "grants_received"
    ACTIVITY = "activity"


@dataclass(frozen=True, slots=True)
class Export:
    """The account when its export began."""

    at: datetime
    user: User
    second_factor: SecondFactorStatus


@dataclass(frozen=True, slots=True)
class BeginExport:
    """Look at the account, and write into the trail that all about it is handed out."""

    unit_of_work: UnitsOfWork
    clock: Clock
    by_user: Throttle
    auditor: Auditor

    def __call__(self, caller: Person) -> Export:
        with self.unit_of_work() as work:
            user = held(work, caller)
            self.by_user.attempt(work, str(user.id))
            export = Export(self.clock(), user, status_of(work, user.id))
            self.auditor.record_own(work, Action.ACCOUNT_EXPORTED, user.id, caller.origin)
            work.commit()
        return export


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Entries of a part, where each of them stands, and whether there may be more.

    A part that is never long comes at once, and its entries stand nowhere.
    """

    entries: Sequence[Any]
    place: Callable[[Any], Any] | None = None
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class ReadPart:
    """Look at the next entries of a part, as long as the caller's session is alive.

    Each look is short, and sees what is committed then. So nothing holds the store while a client
    takes its time, and an item that is made, changed or deleted meanwhile may be in it or not.
    """

    reading: Reading
    clock: Clock
    live: LiveSessions
    mailroom: Mailroom

    def __call__(
        self, caller: Person, part: Part, behind: Any = None, at_most: int = AT_ONCE
    ) -> Excerpt:
        """Return what stands behind the place of an entry, or from the beginning on.

        Raises TokenRevoked once the session is over.
        """
        with self.reading() as see:
            standing = see.sessions.standing(caller.session_id)
            if standing is None or not standing.is_alive(
                now=self.clock(), lifetimes=self.live.lifetimes
            ):
                raise TokenRevoked
            return self._readers[part](see, caller, behind, at_most)

    @property
    def _readers(self) -> Mapping[Part, Callable[[Repositories, Person, Any, int], Excerpt]]:
        return {
            Part.SESSIONS: lambda see, who, *_: Excerpt(self.live.of_user(see, who.user_id)),
            Part.WAITING_SIGN_INS: lambda see, who, *_: Excerpt(
                see.challenges.of_user(who.user_id)
            ),
            Part.KEYS: lambda see, who, *_: Excerpt(see.machine_keys.of_user(who.user_id)),
            Part.IDENTITIES: lambda see, who, *_: Excerpt(see.identities.of_user(who.user_id)),
            Part.LINKS: lambda see, who, *_: Excerpt(see.one_time_tokens.of_user(who.user_id)),
            Part.MAILS: self._mails,
            Part.ITEMS: _items,
            Part.GRANTS_GIVEN: _grants_given,
            Part.GRANTS_RECEIVED: _grants_received,
            Part.ACTIVITY: _activity,
        }

    def _mails(self, see: Repositories, who: Person, behind: Any, at_most: int) -> Excerpt:
        found = see.outbox.of_user(who.user_id, after=behind, limit=at_most)
        letters = [WaitingLetter(each, self.mailroom.address_if_known(each)) for each in found]
        return _page(letters, at_most, lambda waiting: waiting.letter.id)


def _items(see: Repositories, who: Person, behind: Any, at_most: int) -> Excerpt:
    wanted = ItemQuery(viewer_id=who.user_id, whose=Whose.OWNED, sort=Sort.OLDEST)
    found = see.items.matching(wanted, after=behind, limit=at_most)
    return _page(found, at_most, lambda seen: Place(seen.item.created_at, seen.item.id))


def _grants_given(see: Repositories, who: Person, behind: Any, at_most: int) -> Excerpt:
    found = see.grants.given_by(who.user_id, after=behind, limit=at_most)
    return _page(found, at_most, lambda grantee: (grantee.grant.item_id, grantee.grant.user_id))


def _grants_received(see: Repositories, who: Person, behind: Any, at_most: int) -> Excerpt:
    found = see.grants.received_by(who.user_id, after=behind, limit=at_most)
    return _page(found, at_most, lambda grant: grant.item_id)


def _activity(see: Repositories, who: Person, behind: Any, at_most: int) -> Excerpt:
    own = AuditFilter(concerning=who.user_id)
    found = see.audit.matching(own, before=behind, limit=at_most)
    return _page([as_told_to(who, entry) for entry in found], at_most, lambda entry: entry.number)


def _page(found: Sequence[T], at_most: int, place: Callable[[T], object]) -> Excerpt:
    return Excerpt(found, place, has_more=len(found) == at_most)
