"""Sharing items: granting, changing and withdrawing access."""

from contextlib import suppress
from dataclasses import dataclass

from application.items import access_to, present
from application.pages import Page, page_of
from application.ports.items import Attempt, Grantee
from application.ports.places import Place
from application.ports.security import Cursors
from application.ports.store import Reading, Repositories, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock
from application.replaying import Done, Replayer
from application.throttling import Throttle
from domain import email as emails
from domain.access import Caller, Scope, UserId
from domain.errors import AlreadyShared, BasaltError, GrantNotFound, Unavailable, UserNotFound
from domain.item import Act, Item, ItemId
from domain.sharing import Grant, GrantRole
from domain.user import User


@dataclass(frozen=True, slots=True)
class ListGrants:
    """Look at with whom an item is shared: for its owner, and for administrators of items."""

    reading: Reading
    cursors: Cursors

    def __call__(
        self, caller: Caller, id: ItemId, *, limit: int, cursor: str | None
    ) -> Page[Grantee]:
        of = f"grants {caller.user_id} {id}"
        after = self.cursors.open(cursor, of=of)
        with self.reading() as see:
            item = present(see.items.get(id))
            if Scope.ITEMS_ADMIN not in caller.scopes:
                access_to(see, item, caller, Act.SHARE)
            found = see.grants.of_item(id, after=after, limit=limit + 1)

        def cursor_behind(grantee: Grantee) -> str:
            grant = grantee.grant
            return self.cursors.seal(Place(grant.created_at, grant.user_id), of=of)

        return page_of(found, limit, cursor_behind)


@dataclass(frozen=True, slots=True)
class ShareItem:
    """Grant another user access to one's item."""

    unit_of_work: UnitsOfWork
    clock: Clock
    replayer: Replayer
    by_user: Throttle

    def __call__(
        self,
        caller: Caller,
        id: ItemId,
        email: str,
        role: GrantRole,
        attempt: Attempt | None = None,
    ) -> Done[Grantee]:
        address = emails.address(email)
        with self.unit_of_work() as work:  # a slot first: who knows of no address learns of none
            self.by_user.attempt(work, str(caller.user_id))
            work.commit()
        try:
            done = self._once(caller, id, address, role, attempt)
        except UserNotFound:
            raise
        except BasaltError:
            self._take_back(caller)
            raise
        self._take_back(caller)
        return done

    def _once(
        self,
        caller: Caller,
        id: ItemId,
        address: str,
        role: GrantRole,
        attempt: Attempt | None,
    ) -> Done[Grantee]:
        with self.unit_of_work() as work:
            return self.replayer.once(
                work, caller, attempt, Grantee, lambda: self._share(work, caller, id, address, role)
            )

    def _take_back(self, caller: Caller) -> None:
        """Uncount the attempt if that is possible now: what was shared stands, whatever comes."""
        with suppress(Unavailable), self.unit_of_work() as work:
            self.by_user.take_back(work, str(caller.user_id))
            work.commit()

    def _share(
        self, work: UnitOfWork, caller: Caller, id: ItemId, address: str, role: GrantRole
    ) -> Grantee:
        item = present(work.items.lock(id))
        access_to(work, item, caller, Act.SHARE)
        user = _found(work.users.by_email(address))
        if user.id == item.owner_id:
            raise AlreadyShared
        grant = Grant(item_id=id, user_id=user.id, role=role, created_at=self.clock())
        work.grants.add(grant)
        work.changes.note(id, [user.id], at=grant.created_at)
        return Grantee(grant, user.display_name)


@dataclass(frozen=True, slots=True)
class ChangeGrant:
    """Let a grantee do more, or less."""

    unit_of_work: UnitsOfWork
    clock: Clock

    def __call__(self, caller: Caller, id: ItemId, user_id: UserId, role: GrantRole) -> Grantee:
        with self.unit_of_work() as work:
            item = present(work.items.lock(id))
            access_to(work, item, caller, Act.SHARE)
            grant = _granted(work, item, user_id)
            changed = grant.changed_to(role)
            if changed is not grant:
                work.grants.save(changed)
                work.changes.note(id, [user_id], at=self.clock())
            user = work.users.get(user_id)
            work.commit()
        return Grantee(changed, user.display_name if user else None)


@dataclass(frozen=True, slots=True)
class WithdrawGrant:
    """Take a grant back; a grantee may give up their own."""

    unit_of_work: UnitsOfWork
    clock: Clock

    def __call__(self, caller: Caller, id: ItemId, user_id: UserId) -> None:
        with self.unit_of_work() as work:
            item = present(work.items.lock(id))
            own = user_id == caller.user_id and work.grants.get(id, user_id) is not None
            if not own:
                access_to(work, item, caller, Act.SHARE)
            _granted(work, item, user_id)
            work.grants.remove(id, user_id)
            work.changes.note_gone(id, [user_id], at=self.clock())
            work.commit()


def _found(user: User | None) -> User:
    if user is None or not user.is_active:
        raise UserNotFound
    return user


def _granted(see: Repositories, item: Item, user_id: UserId) -> Grant:
    grant = see.grants.get(item.id, user_id)
    if grant is None:
        raise GrantNotFound
    return grant
