"""One good example of each entity; a test names only the fields that it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.access import Machine, MachineKeyId, Origin, Person, Role, Scope, SessionId, UserId
from domain.identity import Flow, Identity, IdentityId, ProvenIdentity, ProviderName
from domain.item import Item, ItemDraft, ItemId
from domain.key import KeyId, SigningKey
from domain.machine_key import MachineKey
from domain.mail import Letter, LetterId, OneTimeToken, Topic
from domain.second_factor import Challenge, SecondFactor
from domain.session import Lifetimes, Session
from domain.user import Status, User

NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
LIFETIMES = Lifetimes(
    idle=timedelta(days=14), absolute=timedelta(days=90), grace=timedelta(seconds=10)
)


def uuid(number: int) -> UUID:
    """Return the id with this number, in an order that is theirs."""
    return UUID(int=number << 80 | 0x7 << 76 | 0b10 << 62)


ANNA = UserId(uuid(1))
BERT = UserId(uuid(2))
SESSION = SessionId(uuid(11))
MACHINE_KEY = MachineKeyId(uuid(15))
IDENTITY = IdentityId(uuid(17))
PROVIDER = ProviderName("google")
ITEM = ItemId(uuid(21))
LETTER = LetterId(uuid(31))


def a_user(**fields: Any) -> User:
    """Return Anna, a member with a password."""
    example: dict[str, Any] = {
        "id": ANNA,
        "email": "anna@example.com",
        "display_name": "Anna",
        "role": Role.MEMBER,
        "status": Status.ACTIVE,
        "email_verified": False,
        "password_hash": "a hash",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return User(**example | fields)


def a_session(**fields: Any) -> Session:
    """Return a session of Anna's that has just been started."""
    example: dict[str, Any] = {
        "id": SESSION,
        "user_id": ANNA,
        "scopes": Role.MEMBER.scopes,
        "seed": bytes(range(32)),
        "counter": 0,
        "secret_id": "a secret",
        "address": "192.0.2.1",
        "user_agent": "an agent",
        "created_at": NOW,
        "last_used_at": NOW,
        "proved_at": NOW,
    }
    return Session(**example | fields)


def a_letter(**fields: Any) -> Letter:
    """Return a letter that is due and concerns nobody yet."""
    example: dict[str, Any] = {
        "id": LETTER,
        "topic": Topic.RECOVERY,
        "user_id": None,
        "sealed": b"sealed",
        "attempts": 0,
        "due_at": NOW,
        "cause": None,
        "created_at": NOW,
    }
    return Letter(**example | fields)


def a_token(**fields: Any) -> OneTimeToken:
    """Return a token of Anna's that was just issued."""
    example: dict[str, Any] = {
        "id": LETTER,
        "user_id": ANNA,
        "topic": Topic.RECOVERY,
        "address": "anna@example.com",
        "seed": bytes(range(32)),
        "expires_at": NOW + timedelta(hours=1),
    }
    return OneTimeToken(**example | fields)


def a_second_factor(**fields: Any) -> SecondFactor:
    """Return Anna's second factor, which is not in force yet."""
    example: dict[str, Any] = {
        "user_id": ANNA,
        "sealed": b"sealed",
        "confirmed_at": None,
        "spent_step": None,
    }
    return SecondFactor(**example | fields)


def a_challenge(**fields: Any) -> Challenge:
    """Return a sign-in of Anna's that waits for her second factor."""
    example: dict[str, Any] = {
        "digest": b"a digest",
        "user_id": ANNA,
        "scopes": Role.MEMBER.scopes,
        "account_at": NOW,
        "guesses": 0,
        "begun_at": NOW,
    }
    return Challenge(**example | fields)


def draft_of(item: Item) -> ItemDraft:
    """Return the parts of an item that its user wrote."""
    return ItemDraft(
        title=item.title,
        description=item.description,
        tags=item.tags,
        attributes=item.attributes,
    )


def an_item(**fields: Any) -> Item:
    """Return an item of Anna's in its first version."""
    example: dict[str, Any] = {
        "id": ITEM,
        "owner_id": ANNA,
        "title": "A title",
        "description": "A description",
        "tags": ("one", "two"),
        "attributes": {"a": 1},
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Item(**example | fields)


def a_draft(**fields: Any) -> ItemDraft:
    """Return the draft of an item."""
    return ItemDraft(**{"title": "A title"} | fields)


def a_key(**fields: Any) -> SigningKey:
    """Return a signing key that nobody can sign with."""
    example: dict[str, Any] = {
        "id": KeyId("a key"),
        "public": '{"kty": "EC"}',
        "sealed": b"sealed",
        "created_at": NOW,
        "signs_from": NOW,
    }
    return SigningKey(**example | fields)


def a_machine_key(**fields: Any) -> MachineKey:
    """Return a key of Anna's that was never used."""
    example: dict[str, Any] = {
        "id": MACHINE_KEY,
        "user_id": ANNA,
        "name": "nightly",
        "scopes": frozenset({Scope.ITEMS_READ}),
        "digest": b"a digest",
        "created_at": NOW,
        "expires_at": None,
        "last_used_at": None,
    }
    return MachineKey(**example | fields)


def a_machine(**fields: Any) -> Machine:
    """Return a program of Anna's calling, with all that her role grants."""
    role = fields.get("role", Role.MEMBER)
    example: dict[str, Any] = {
        "user_id": ANNA,
        "key_id": MACHINE_KEY,
        "is_news": True,
        "role": role,
        "scopes": role.scopes,
        "origin": Origin(),
    }
    return Machine(**example | fields)


def a_caller(**fields: Any) -> Person:
    """Return Anna calling, with all that her role grants."""
    role = fields.get("role", Role.MEMBER)
    example: dict[str, Any] = {
        "user_id": ANNA,
        "session_id": SESSION,
        "proved_at": NOW,
        "role": role,
        "scopes": role.scopes,
        "origin": Origin(),
    }
    return Person(**example | fields)


def an_identity(**fields: Any) -> Identity:
    """Return Anna's identity at a provider, which was never used."""
    example: dict[str, Any] = {
        "id": IDENTITY,
        "user_id": ANNA,
        "provider": PROVIDER,
        "issuer": "https://accounts.example.net",
        "subject": "1234",
        "created_at": NOW,
        "last_used_at": None,
    }
    return Identity(**example | fields)


def a_proven_identity(**fields: Any) -> ProvenIdentity:
    """Return what the provider says of Anna: the address is hers."""
    example: dict[str, Any] = {
        "provider": PROVIDER,
        "issuer": "https://accounts.example.net",
        "subject": "1234",
        "email": "anna@example.com",
        "email_verified": True,
        "name": "Anna",
    }
    return ProvenIdentity(**example | fields)


def a_flow(**fields: Any) -> Flow:
    """Return a visit that has just begun."""
    example: dict[str, Any] = {
        "digest": b"d" * 32,
        "provider": PROVIDER,
        "redirect_uri": "https://app.example.com/back",
        "expires_at": NOW + timedelta(minutes=10),
    }
    return Flow(**example | fields)
