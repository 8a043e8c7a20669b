"""Mail: a letter is stored with the act that causes it, and sent by whoever has time for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from application.ports.mail import OneTimeMint, Postman, Stationery, Undelivered
from application.ports.security import Sealer
from application.ports.store import Reading, UnitOfWork, UnitsOfWork
from application.ports.surroundings import Clock, Ids, Randomness
from application.throttling import Throttle
from domain.errors import BasaltError, LetterNotFound, StoreUnfit, TooManyAttempts
from domain.mail import SEED_BYTES, Letter, LetterId, OneTimeToken, Topic, voided
from domain.user import User

LISTED_AT_MOST = 1000
"""Letters that are listed: with more than that, something else is wrong."""


@dataclass(frozen=True, slots=True)
class Mailroom:
    """Puts letters into the outbox, in the transaction of the act: both are stored, or neither."""

    clock: Clock
    ids: Ids
    random: Randomness
    sealer: Sealer
    by_email: Throttle

    def post(self, work: UnitOfWork, topic: Topic, to: str, user: User | None) -> None:
        """Add a letter, with the token that it carries if it is known for whom."""
        id = LetterId(self.ids())
        letter = Letter.write(
            id=id,
            topic=topic,
            user_id=None if user is None else user.id,
            sealed=self.sealer.seal(_name(id), to.encode()),
            now=self.clock(),
        )
        work.outbox.add(letter)
        if user is not None and topic.token_lifetime:
            self.issue(work, letter, user, to)

    def post_if_seldom(self, work: UnitOfWork, topic: Topic, to: str, user: User | None) -> bool:
        """As `post`, for letters that anybody can ask for: no more of them than is decent.

        Nobody is told that there was one too many: a letter as good as it has been sent. They are
        counted by who asks, as far as that is known, so that nobody uses up another's. Returns
        whether the letter was added.
        """
        try:
            self.by_email.attempt(work, f"{topic} {to} {'' if user is None else user.id}")
        except TooManyAttempts:
            return False
        self.post(work, topic, to, user)
        return True

    def issue(self, work: UnitOfWork, letter: Letter, user: User, address: str) -> OneTimeToken:
        """Add the token of a letter."""
        token = OneTimeToken.issue(
            id=letter.id,
            user_id=user.id,
            topic=letter.topic,
            address=address,
            seed=self.random(SEED_BYTES),
            now=self.clock(),
        )
        work.one_time_tokens.add(token)
        return token

    def address_of(self, letter: Letter) -> str:
        """Return whom a letter goes to. Raises StoreUnfit if no known secret opens it."""
        return self.sealer.open(_name(letter.id), letter.sealed).decode()

    def address_if_known(self, letter: Letter) -> str | None:
        """Return whom a letter goes to, or None if no known secret opens it."""
        try:
            return self.address_of(letter)
        except StoreUnfit:
            return None


def _name(id: LetterId) -> str:
    return f"letter {id}"


def void_tokens(work: UnitOfWork, user: User, *, undoing: OneTimeToken | None = None) -> None:
    """Let the tokens die that a change of the user's password or address makes worthless."""
    for id in voided(work.one_time_tokens.of_user(user.id), undoing=undoing):
        work.one_time_tokens.take(id)


@dataclass(frozen=True, slots=True)
class DeliverMail:
    """Send the letter that is due longest: at least once, and by one at a time if all goes well.

    It is sent outside of any transaction, however long that takes. Whoever dies in between
    leaves it to others after a while; those send the same mail under the same id.
    """

    unit_of_work: UnitsOfWork
    reading: Reading
    clock: Clock
    mailroom: Mailroom
    mint: OneTimeMint
    stationery: Stationery
    postman: Postman

    def __call__(self) -> bool:
        """Return whether there was a letter to be tried."""
        with self.reading() as see:
            if not see.outbox.has_due(now=self.clock()):
                return False
        letter = self._take()
        if letter is None:
            return False
        if not letter.is_given_up:
            self._try(letter)
        return True

    def _take(self) -> Letter | None:
        with self.unit_of_work() as work:
            now = self.clock()
            letter = work.outbox.lock_due(now=now)
            if letter is None:
                return None
            taken = letter.taken(now=now)
            work.outbox.save(taken)
            work.commit()
        return taken

    def _try(self, letter: Letter) -> None:
        try:
            to = self.mailroom.address_of(letter)
            is_wanted, token = self._made_ready(letter, to)
            if is_wanted:
                text = None if token is None else self.mint.of(token)
                self.postman.send(self.stationery.write(letter, to=to, token=text))
        except Undelivered as failure:
            self._put_off(letter, failure.cause, for_good=failure.for_good)
        except StoreUnfit:
            self._put_off(letter, "sealed with a secret that is not known any more")
        except BasaltError:
            raise
        except Exception as failure:  # noqa: BLE001  # one letter must not keep back the others
            self._put_off(letter, type(failure).__name__)
        else:
            with self.unit_of_work() as work:
                work.outbox.remove(letter.id)
                work.commit()

    def _made_ready(self, letter: Letter, to: str) -> tuple[bool, OneTimeToken | None]:
        """Return whether anybody wants the letter still, and the token that it carries."""
        if letter.topic.token_lifetime is None:
            return True, None
        with self.unit_of_work() as work:
            token = (
                self._issued(work, letter, to)
                if letter.user_id is None
                else work.one_time_tokens.get(letter.id)
            )
            if token is None:
                return False, None  # nobody has the address; or what it was good for is done
            if letter.topic is Topic.NEW_ADDRESS and work.users.by_email(to):
                return False, None  # somebody has it by now; nobody is told that they do
            token = token.mailed(now=self.clock())
            work.one_time_tokens.save(token)
            work.commit()
        return True, token

    def _issued(self, work: UnitOfWork, letter: Letter, to: str) -> OneTimeToken | None:
        """Look who has the address; asking did not, so that asking tells nothing."""
        found = work.users.by_email(to)
        user = found and work.users.lock(found.id)
        held = work.outbox.lock(letter.id)
        if not user or not user.is_active or user.email != to or held is None:
            return None
        if held.user_id is not None:
            return work.one_time_tokens.get(letter.id)  # another one was faster
        work.outbox.save(held.addressed(user.id))
        return self.mailroom.issue(work, letter, user, to)

    def _put_off(self, letter: Letter, cause: str, *, for_good: bool = False) -> None:
        with self.unit_of_work() as work:
            held = work.outbox.lock(letter.id)
            if held is not None:
                work.outbox.save(held.failed(cause, now=self.clock(), for_good=for_good))
                work.commit()


@dataclass(frozen=True, slots=True)
class WaitingLetter:
    """A letter in the outbox, and whom it goes to, as far as that can be opened."""

    letter: Letter
    to: str | None


@dataclass(frozen=True, slots=True)
class ListOutbox:
    """Look at the letters that are still to be sent, and at those that were given up."""

    reading: Reading
    mailroom: Mailroom

    def __call__(self) -> Sequence[WaitingLetter]:
        with self.reading() as see:
            letters = see.outbox.oldest(LISTED_AT_MOST)
        return [WaitingLetter(each, self.mailroom.address_if_known(each)) for each in letters]


@dataclass(frozen=True, slots=True)
class RetryMail:
    """Let letters be tried at once, those that were given up too."""

    unit_of_work: UnitsOfWork
    clock: Clock

    def __call__(self, ids: Collection[LetterId] | None = None) -> int:
        """Return how many of them there were. Raises LetterNotFound, and changes nothing then."""
        with self.unit_of_work() as work:
            count = work.outbox.make_due(ids, now=self.clock())
            if ids is not None and count < len(set(ids)):
                raise LetterNotFound
            work.commit()
        return count
