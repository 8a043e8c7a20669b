"""The use cases around one store, wired in one place for all tests."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from adapters.memory.store import InMemoryStore
from application.accounts import (
    ChangePassword,
    DeleteAccount,
    PasswordPolicy,
    ReadProfile,
    Register,
    RenameProfile,
    SignUp,
)
from application.admission import SessionStarter, TokenIssuer, Tokens
from application.auditing import Auditor
from application.codes import CodeProof, Codes, FactorRemoval
from application.flows import BeginFlow, TakeFlow, TakeFlowToLink
from application.identifying import Foresee, Identify, IdentifyMany, Introspect
from application.identities import (
    LinkIdentity,
    ListIdentities,
    NoteUnproved,
    SignInByProvider,
    UnlinkIdentity,
)
from application.items import (
    CreateItem,
    DeleteItem,
    EditItem,
    Keeper,
    ReadItem,
    ReplaceItem,
)
from application.joining import Registrar
from application.letting_in import RemoveUserSecondFactor
from application.listing import ListItems
from application.machine_keys import (
    CreateMachineKey,
    DeleteMachineKey,
    ListMachineKeys,
    NoteKeyUse,
)
from application.mailing import DeliverMail, ListOutbox, Mailroom, RetryMail
from application.pages import Page
from application.ports.mail import Message
from application.ports.records import AuditFilter
from application.ports.store import Repositories, UnitOfWork
from application.proving import PasswordProof, Reauthenticate, ReauthenticateByCode
from application.recovery import (
    ConfirmEmail,
    MailboxProof,
    RequestEmailChange,
    RequestRecovery,
    RequestVerification,
    ResetPassword,
)
from application.refreshing import RefreshSession
from application.replaying import Replayer
from application.second_factor import (
    BeginSecondFactor,
    ConfirmSecondFactor,
    ReadSecondFactor,
    RemoveSecondFactor,
    RenewRecoveryCodes,
)
from application.second_step import FinishSignIn
from application.sessions import (
    EndSession,
    EndSessions,
    ListSessions,
    LiveSessions,
    RevokeToken,
    SignOut,
)
from application.sign_in import SignIn
from application.starting import PrepareKeys
from application.throttling import Throttle
from domain import throttle as limits
from domain.access import Caller, Machine, Origin, Person, Role, Scopes
from domain.audit import Entry
from domain.item import ItemDraft, SeenItem
from domain.listing import ItemQuery, Whose
from domain.mail import Topic
from domain.session import Lifetimes, Session
from domain.throttle import Rule
from domain.user import User
from tests.application.stand_in_factors import CountedTexts, PlainApps
from tests.application.stand_in_flows import CountedFlowTexts
from tests.application.stand_in_keys import HashedChain, PlainForge, PlainSealer
from tests.application.stand_in_mail import HashedOneTimeTokens, NotedPostman, PlainStationery
from tests.application.stand_in_tokens import (
    CountedKeyTexts,
    HashedRefreshTokens,
    NotedAccessTokens,
)
from tests.application.stand_ins import (
    CheapHasher,
    Counting,
    NotedCursors,
    SettableClock,
    is_common,
)
from tests.domain.examples import LIFETIMES, PROVIDER, a_proven_identity

PASSWORD = "a good long passphrase"
EMAIL = "anna@example.com"
HERE = Origin(address="192.0.2.1", user_agent="an agent", request_id="a request")
SESSION_CAP = 3
BACK = "https://app.example.com/back"
"""Where browsers may return from providers."""


class Store(Protocol):
    """What every store can do, whatever it is made of."""

    def unit_of_work(self) -> UnitOfWork:
        """Return a unit of work that begins when it is entered."""

    def reading(self) -> AbstractContextManager[Repositories]:
        """Look at what is committed now."""


class House:
    """A store, cheap stand-ins for everything slow, and the use cases that they make."""

    def __init__(
        self, store: Store, *, lifetimes: Lifetimes = LIFETIMES, needs_verified: bool = False
    ) -> None:
        self.store = store
        self.lifetimes = lifetimes
        self.needs_verified = needs_verified
        self.clock = SettableClock()
        self.counting = Counting()
        self.hasher = CheapHasher(
            store.writing.locked if isinstance(store, InMemoryStore) else lambda: False
        )
        self.access_tokens = NotedAccessTokens()
        self.refresh_tokens = HashedRefreshTokens()
        self.key_texts = CountedKeyTexts()
        self.cursors = NotedCursors()
        self.sealer = PlainSealer()
        self.forge = PlainForge(self.sealer)
        self.chain = HashedChain()
        self.auditor = Auditor(self.clock, self.counting.ids, self.counting.random, self.chain)
        self.policy = PasswordPolicy(shortest=15, is_common=is_common)
        self.issuer = TokenIssuer(self.access_tokens, self.refresh_tokens, self.clock)
        self.proof = PasswordProof(
            store.unit_of_work,
            self.clock,
            self.hasher,
            self.throttle("proof", limits.PASSWORD_OF_ACCOUNT),
            self.auditor,
        )
        self._wire_mail()
        self._wire_second_factor()
        self.identify = Identify(
            store.reading, self.clock, self.lifetimes, self.access_tokens, self.key_texts
        )
        self.identify_many = IdentifyMany(self.identify)
        self._wire_accounts()
        self._wire_sign_in()
        self._wire_machine_keys()
        self._wire_identities()
        self._wire_items()

    def throttle(self, kind: str, rule: Rule) -> Throttle:
        """Return a throttle that is on."""
        return Throttle(kind, rule, self.clock)

    def _wire_mail(self) -> None:
        store = self.store
        self.mailroom = Mailroom(
            self.clock,
            self.counting.ids,
            self.counting.random,
            self.sealer,
            self.throttle("mail", limits.MAIL_BY_EMAIL),
        )
        self.remove_factor = FactorRemoval(
            self.throttle("second factor", limits.CODE_OF_ACCOUNT), self.mailroom
        )
        self.mint = HashedOneTimeTokens()
        self.postman = NotedPostman(
            store.writing.locked if isinstance(store, InMemoryStore) else lambda: False
        )
        self.deliver_mail = DeliverMail(
            unit_of_work=store.unit_of_work,
            reading=store.reading,
            clock=self.clock,
            mailroom=self.mailroom,
            mint=self.mint,
            stationery=PlainStationery(),
            postman=self.postman,
        )
        self.list_outbox = ListOutbox(store.reading, self.mailroom)
        self.retry_mail = RetryMail(store.unit_of_work, self.clock)
        mailbox = MailboxProof(
            self.clock, self.mint, self.throttle("one-time token", limits.ONE_TIME_BY_ADDRESS)
        )
        self.request_recovery = RequestRecovery(
            store.unit_of_work,
            self.mailroom,
            self.throttle("recovery", limits.RECOVERY_BY_ADDRESS),
            self.auditor,
        )
        self.reset_password = ResetPassword(
            unit_of_work=store.unit_of_work,
            reading=store.reading,
            clock=self.clock,
            hasher=self.hasher,
            policy=self.policy,
            proof=mailbox,
            mailroom=self.mailroom,
            remove_factor=self.remove_factor,
            sign_ins=self.throttle("account", limits.PASSWORD_OF_ACCOUNT),
            proofs=self.throttle("proof", limits.PASSWORD_OF_ACCOUNT),
            auditor=self.auditor,
        )
        self.request_verification = RequestVerification(
            store.unit_of_work, self.mailroom, self.auditor
        )
        self.request_email_change = RequestEmailChange(
            store.unit_of_work, store.reading, self.proof, self.mailroom, self.auditor
        )
        self.confirm_email = ConfirmEmail(
            store.unit_of_work,
            self.clock,
            mailbox,
            self.mailroom,
            self.remove_factor,
            self.auditor,
        )

    def _wire_accounts(self) -> None:
        store = self.store
        self.register = Register(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            ids=self.counting.ids,
            hasher=self.hasher,
            policy=self.policy,
            by_address=self.throttle("sign-up", limits.SIGN_UP_BY_ADDRESS),
            mailroom=self.mailroom,
            auditor=self.auditor,
            needs_verified=self.needs_verified,
        )
        self.sign_up = SignUp(self.register)
        self.read_profile = ReadProfile(store.reading)
        self.rename_profile = RenameProfile(store.unit_of_work, self.clock, self.auditor)
        self.change_password = ChangePassword(
            unit_of_work=store.unit_of_work,
            reading=store.reading,
            clock=self.clock,
            hasher=self.hasher,
            policy=self.policy,
            proof=self.proof,
            mailroom=self.mailroom,
            auditor=self.auditor,
        )
        self.delete_account = DeleteAccount(
            unit_of_work=store.unit_of_work,
            reading=store.reading,
            clock=self.clock,
            proof=self.proof,
            auditor=self.auditor,
        )

    def _wire_second_factor(self) -> None:
        store = self.store
        self.apps = PlainApps()
        self.codes = Codes(
            clock=self.clock,
            sealer=self.sealer,
            apps=self.apps,
            recovery=CountedTexts("recovery"),
            mailroom=self.mailroom,
            auditor=self.auditor,
        )
        self.code_proof = CodeProof(
            self.codes, self.throttle("code proof", limits.CODE_OF_ACCOUNT), self.auditor
        )
        self.begin_second_factor = BeginSecondFactor(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            random=self.counting.random,
            sealer=self.sealer,
            apps=self.apps,
            by_user=self.throttle("second factors", limits.FACTOR_BY_USER),
            auditor=self.auditor,
        )
        self.confirm_second_factor = ConfirmSecondFactor(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            proof=self.code_proof,
            codes=self.codes,
            mailroom=self.mailroom,
            auditor=self.auditor,
        )
        self.read_second_factor = ReadSecondFactor(store.reading)
        self.renew_recovery_codes = RenewRecoveryCodes(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            codes=self.codes,
            mailroom=self.mailroom,
            by_user=self.throttle("second factors", limits.FACTOR_BY_USER),
            auditor=self.auditor,
        )
        self.remove_second_factor = RemoveSecondFactor(
            store.unit_of_work, self.clock, self.remove_factor, self.auditor
        )
        self.remove_user_second_factor = RemoveUserSecondFactor(
            store.unit_of_work, self.clock, self.remove_factor, self.auditor
        )
        self.reauthenticate_by_code = ReauthenticateByCode(
            store.unit_of_work, self.clock, self.code_proof, self.auditor
        )

    def _wire_sign_in(self) -> None:
        store = self.store
        self.starter = SessionStarter(
            clock=self.clock,
            ids=self.counting.ids,
            random=self.counting.random,
            lifetimes=self.lifetimes,
            cap=SESSION_CAP,
            issuer=self.issuer,
            challenges=CountedTexts("challenge"),
            auditor=self.auditor,
        )
        self.finish_sign_in = FinishSignIn(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            codes=self.codes,
            starter=self.starter,
            by_address=self.throttle("sign-in", limits.SIGN_IN_BY_ADDRESS),
            by_account=self.throttle("second factor", limits.CODE_OF_ACCOUNT),
            auditor=self.auditor,
        )
        self.sign_in = SignIn(
            unit_of_work=store.unit_of_work,
            reading=store.reading,
            hasher=self.hasher,
            starter=self.starter,
            by_address=self.throttle("sign-in", limits.SIGN_IN_BY_ADDRESS),
            by_account=self.throttle("account", limits.PASSWORD_OF_ACCOUNT),
            auditor=self.auditor,
            needs_verified=self.needs_verified,
        )
        self.refresh = RefreshSession(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            lifetimes=self.lifetimes,
            issuer=self.issuer,
            by_address=self.throttle("refresh", limits.REFRESH_BY_ADDRESS),
            auditor=self.auditor,
        )
        self.reauthenticate = Reauthenticate(
            store.unit_of_work, store.reading, self.clock, self.proof, self.auditor
        )
        live = LiveSessions(self.clock, self.lifetimes)
        self.list_sessions = ListSessions(store.reading, live)
        self.end_session = EndSession(store.unit_of_work, live, self.auditor)
        self.end_sessions = EndSessions(store.unit_of_work, self.auditor)
        self.sign_out = SignOut(store.unit_of_work, self.auditor)
        self.revoke = RevokeToken(
            unit_of_work=store.unit_of_work,
            access_tokens=self.access_tokens,
            refresh_tokens=self.refresh_tokens,
            key_texts=self.key_texts,
            auditor=self.auditor,
        )
        self.introspect = Introspect(self.identify, self.access_tokens)
        self.foresee = Foresee(self.identify, self.access_tokens)
        self.prepare_keys = PrepareKeys(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            random=self.counting.random,
            forge=self.forge,
            sealer=self.sealer,
        )

    def _wire_machine_keys(self) -> None:
        store = self.store
        self.create_key = CreateMachineKey(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            ids=self.counting.ids,
            texts=self.key_texts,
            mailroom=self.mailroom,
            auditor=self.auditor,
        )
        self.list_keys = ListMachineKeys(store.reading)
        self.delete_key = DeleteMachineKey(store.unit_of_work, self.clock, self.auditor)
        self.note_key_use = NoteKeyUse(store.unit_of_work, self.clock, self.auditor)

    def _wire_identities(self) -> None:
        store = self.store
        self.flow_texts = CountedFlowTexts()
        by_address = self.throttle("flow", limits.FLOWS_BY_ADDRESS)
        self.begin_flow = BeginFlow(
            store.unit_of_work, self.clock, self.flow_texts, [BACK], by_address
        )
        self.take_flow = TakeFlow(store.unit_of_work, self.clock, self.flow_texts, by_address)
        self.take_flow_to_link = TakeFlowToLink(store.reading, self.clock, self.take_flow)
        registrar = Registrar(
            clock=self.clock,
            ids=self.counting.ids,
            trusted=[PROVIDER],
            sign_ups=self.throttle("sign-up", limits.SIGN_UP_BY_ADDRESS),
            mailroom=self.mailroom,
            remove_factor=self.remove_factor,
            auditor=self.auditor,
            needs_verified=self.needs_verified,
        )
        self.sign_in_by_provider = SignInByProvider(
            store.unit_of_work, self.clock, registrar, self.starter, self.auditor
        )
        self.note_unproved = NoteUnproved(store.unit_of_work, self.auditor)
        self.link_identity = LinkIdentity(store.unit_of_work, self.clock, registrar, self.auditor)
        self.list_identities = ListIdentities(store.reading)
        self.unlink_identity = UnlinkIdentity(
            unit_of_work=store.unit_of_work,
            clock=self.clock,
            issuers=["https://accounts.example.net", "https://another.example.net"],
            mailroom=self.mailroom,
            auditor=self.auditor,
        )

    def _wire_items(self) -> None:
        store = self.store
        keeper = Keeper(self.clock, self.counting.ids)
        self._create_item = CreateItem(store.unit_of_work, keeper, Replayer(self.clock))
        self._list_items = ListItems(store.reading, self.cursors)
        self.read_item = ReadItem(store.reading)
        self.edit_item = EditItem(store.unit_of_work, keeper)
        self.replace_item = ReplaceItem(store.unit_of_work, keeper)
        self.delete_item = DeleteItem(store.unit_of_work, keeper)

    def create_item(self, caller: Caller, draft: ItemDraft) -> SeenItem:
        """Add an item."""
        return self._create_item(caller, draft).result

    def list_items(
        self, caller: Caller, *, limit: int, cursor: str | None = None
    ) -> Page[SeenItem]:
        """Return a page of the caller's own items, newest first."""
        wanted = ItemQuery.of(caller, whose=Whose.OWNED)
        return self._list_items(wanted, limit=limit, cursor=cursor)

    def arrive(
        self, email: str = EMAIL, *, role: Role = Role.MEMBER, wanted: Scopes | None = None
    ) -> Person:
        """Open an account whose address is not proved, sign in, and return the caller."""
        self.register(email, PASSWORD, role=role)
        self.change(email, email_verified=False)
        return self.caller(self.sign_in(email, PASSWORD, wanted, HERE))

    def come_by_provider(self, **said: object) -> Person:
        """Sign in by the provider, which says this of Anna, and return the caller."""
        return self.caller(self.sign_in_by_provider(a_proven_identity(**said), HERE))

    def sign_in_anew(self, email: str = EMAIL) -> Tokens:
        """Sign in with an account that is opened if need be."""
        if self.user(email) is None:
            self.register(email, PASSWORD)
        return self.sign_in(email, PASSWORD, None, HERE)

    def caller(self, tokens: Tokens) -> Person:
        """Return who calls with these tokens."""
        return self.identify(tokens.access_token, HERE).in_person()

    def machine(self, key: str) -> Machine:
        """Return what calls with this key."""
        caller = self.identify(key, HERE)
        assert isinstance(caller, Machine)
        return caller

    def delivered(self) -> list[Message]:
        """Send all mail that is due; return what has arrived since the last look."""
        while self.deliver_mail():
            pass
        arrived, self.postman.arrived = self.postman.arrived, []
        return arrived

    def token(self, topic: Topic, to: str = EMAIL) -> str:
        """Send all mail that is due; return the token in the one about a topic to an address."""
        (found,) = [each for each in self.delivered() if each.subject == topic and each.to == to]
        return found.text

    def user(self, email: str = EMAIL) -> User | None:
        """Return what is stored of a user."""
        with self.store.reading() as see:
            return see.users.by_email(email)

    def change(self, email: str = EMAIL, **fields: object) -> None:
        """Change fields of a user behind everybody's back."""
        with self.store.unit_of_work() as work:
            user = work.users.by_email(email)
            assert user
            work.users.save(replace(user, **fields))  # type: ignore[arg-type]  # by name
            work.commit()

    def remove(self, email: str = EMAIL) -> None:
        """Remove a user behind everybody's back."""
        with self.store.unit_of_work() as work:
            user = work.users.by_email(email)
            assert user
            work.users.remove(user.id)
            work.commit()

    def sessions(self, email: str = EMAIL) -> list[Session]:
        """Return what is stored of a user's sessions, the one used last first."""
        with self.store.reading() as see:
            user = see.users.by_email(email)
            return [] if user is None else list(see.sessions.of_user(user.id))

    def trail(self) -> list[Entry]:
        """Return the audit trail, oldest first."""
        with self.store.reading() as see:
            return list(reversed(see.audit.matching(AuditFilter(), before=None, limit=999)))

    def done(self) -> list[str]:
        """Return what the audit trail says happened, and how it ended."""
        return [f"{entry.action} {entry.result}" for entry in self.trail()]
