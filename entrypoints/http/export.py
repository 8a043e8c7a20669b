"""/v1/users/me/export: all that is held about oneself, in one document that is never whole here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, RootModel
from starlette.responses import StreamingResponse

from application.exporting import Excerpt, Export, Part
from application.mailing import WaitingLetter
from application.ports.items import Grantee
from domain.access import Scope, names_of
from domain.second_factor import Challenge
from domain.sharing import GrantRole
from entrypoints.http.answers import personal
from entrypoints.http.audit import EntryAnswer
from entrypoints.http.dependencies import PersonsCall, in_person
from entrypoints.http.errors import MethodNotAllowed
from entrypoints.http.examples import ITEM, ITEM_ID, MOMENT, USER_ID, example
from entrypoints.http.excerpts import Pages
from entrypoints.http.exchange import exchange_of
from entrypoints.http.fields import Answer, Time
from entrypoints.http.identities import IdentityAnswer
from entrypoints.http.items import ItemAnswer, item_answer
from entrypoints.http.long_answers import LongAnswer
from entrypoints.http.machine_keys import KeyAnswer
from entrypoints.http.route import strict_router
from entrypoints.http.second_factor import SecondFactorAnswer
from entrypoints.http.sessions import SessionAnswer
from entrypoints.http.users import UserAnswer

router = strict_router("/v1/users/me/export", tag="accounts")

Reader = Annotated[PersonsCall, in_person(Scope.ACCOUNT_READ, Scope.ITEMS_READ)]

FILE_NAME = "basalt-export.json"


class GivenGrantAnswer(Answer):
    """With whom an item of one's own is shared."""

    model_config = example(
        item_id=ITEM_ID, user_id=USER_ID, display_name="Bob", role="viewer", created_at=MOMENT
    )

    item_id: UUID
    user_id: UUID
    display_name: str | None
    role: GrantRole
    created_at: Time

    @classmethod
    def of(cls, grantee: Grantee) -> Self:
        """Return a grant as the item's owner sees it."""
        grant = grantee.grant
        return cls(
            item_id=grant.item_id,
            user_id=grant.user_id,
            display_name=grantee.display_name,
            role=grant.role,
            created_at=grant.created_at,
        )


class ReceivedGrantAnswer(Answer):
    """What somebody shares with one: the item itself is theirs."""

    model_config = example(item_id=ITEM_ID, role="viewer", created_at=MOMENT)

    item_id: UUID
    role: GrantRole
    created_at: Time


class WaitingSignInAnswer(Answer):
    """A sign-in that waits for a second factor, for what it would be good, and since when."""

    model_config = example(scopes=["account:read", "items:read"], guesses=0, begun_at=MOMENT)

    scopes: list[str]
    guesses: int
    begun_at: Time

    @classmethod
    def of(cls, challenge: Challenge) -> Self:
        """Return a waiting sign-in without what would finish it."""
        return cls(
            scopes=list(names_of(challenge.scopes)),
            guesses=challenge.guesses,
            begun_at=challenge.begun_at,
        )


class LinkAnswer(Answer):
    """What a link in a mail is good for, and until when."""

    model_config = example(topic="verification", address="ada@example.com", expires_at=MOMENT)

    topic: str
    address: str
    expires_at: Time


class MailAnswer(Answer):
    """A mail that is still to be sent; `due_at` is null once it was given up."""

    model_config = example(
        topic="key_created", to="ada@example.com", created_at=MOMENT, due_at=MOMENT
    )

    topic: str
    to: str | None
    created_at: Time
    due_at: Time | None

    @classmethod
    def of(cls, waiting: WaitingLetter) -> Self:
        """Return a letter as whom it concerns sees it."""
        letter = waiting.letter
        return cls(
            topic=letter.topic, to=waiting.to, created_at=letter.created_at, due_at=letter.due_at
        )


def _example_of(answer: type[Answer]) -> Any:
    described: Any = answer.model_config.get("json_schema_extra")
    return described["example"]


class ExportAnswer(Answer):
    """All that is held about a user. Whoever has the last brace has all of it."""

    model_config = example(
        exported_at=MOMENT,
        user=_example_of(UserAnswer),
        second_factor=_example_of(SecondFactorAnswer),
        sessions=[_example_of(SessionAnswer)],
        waiting_sign_ins=[_example_of(WaitingSignInAnswer)],
        keys=[_example_of(KeyAnswer)],
        identities=[_example_of(IdentityAnswer)],
        links=[_example_of(LinkAnswer)],
        mails=[_example_of(MailAnswer)],
        items=[ITEM],
        grants_given=[_example_of(GivenGrantAnswer)],
        grants_received=[_example_of(ReceivedGrantAnswer)],
        activity=[_example_of(EntryAnswer)],
    )

    exported_at: Time
    user: UserAnswer
    second_factor: SecondFactorAnswer
    sessions: list[SessionAnswer]
    waiting_sign_ins: list[WaitingSignInAnswer]
    keys: list[KeyAnswer]
    identities: list[IdentityAnswer]
    links: list[LinkAnswer]
    mails: list[MailAnswer]
    items: list[ItemAnswer]
    grants_given: list[GivenGrantAnswer]
    grants_received: list[ReceivedGrantAnswer]
    activity: list[EntryAnswer]


class _Head(Answer):
    """How the document begins."""

    exported_at: Time
    user: UserAnswer
    second_factor: SecondFactorAnswer


@router.get(
    "",
    responses=personal()
    | {200: {"model": ExportAnswer, "description": f"A file to keep, `{FILE_NAME}`"}},
    response_class=StreamingResponse,
)
async def export_account(request: Request, call: Reader) -> StreamingResponse:
    """Get everything that is held about oneself as one JSON document.

    The account, its second factor, sessions, sign-ins that wait for a code, keys, identities,
    waiting mails and links; one's items, with whom they are shared, and what is shared with one;
    and what the audit trail says of one. Secrets are not in it, nor what is made from the rest:
    search words, change feeds, kept answers to repeated requests, counters of attempts; nor a
    recovery that was asked for just now, before anybody has looked up whose address that is.

    It is read page by page while it is sent, so what changes meanwhile may be in it or not. When
    the session ends it breaks off: the transfer is incomplete, and the last brace is missing. At
    most ten an hour for each user.
    """
    if exchange_of(request).method == "HEAD":
        raise MethodNotAllowed(["GET"])
    export = await call.change(lambda use: use.begin_export)
    return LongAnswer(
        _document(call, export),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{FILE_NAME}"'},
    )


async def _document(call: PersonsCall, export: Export) -> AsyncIterator[bytes]:
    head = _Head(
        exported_at=export.at,
        user=UserAnswer.model_validate(export.user),
        second_factor=SecondFactorAnswer.model_validate(export.second_factor),
    )
    yield head.model_dump_json().removesuffix("}").encode()
    for part in _ANSWERS:
        yield f',"{part}":['.encode()
        pages = _pages(call, part)
        while not pages.are_over:
            yield await pages.next()  # nothing else holds it while the client takes its time
        yield b"]"
    yield b"}"


class _ItemEntry(RootModel[ItemAnswer]):
    """An item, written like the models of the other parts."""


def _pages(call: PersonsCall, part: Part) -> Pages:
    def read(behind: Any, at_most: int) -> Awaitable[Excerpt]:
        return call.run(lambda use: use.read_part, part, behind, at_most)

    return Pages(read, lambda entry: _ANSWERS[part](entry, call).model_dump_json())


_ANSWERS: Mapping[Part, Callable[[Any, PersonsCall], BaseModel]] = {
    Part.SESSIONS: lambda live, call: SessionAnswer.of(live, call.caller),
    Part.WAITING_SIGN_INS: lambda challenge, _: WaitingSignInAnswer.of(challenge),
    Part.KEYS: lambda key, _: KeyAnswer.of(key),
    Part.IDENTITIES: lambda identity, _: IdentityAnswer.of(identity),
    Part.LINKS: lambda token, _: LinkAnswer.model_validate(token),
    Part.MAILS: lambda waiting, _: MailAnswer.of(waiting),
    Part.ITEMS: lambda seen, _: _ItemEntry(item_answer(seen)),
    Part.GRANTS_GIVEN: lambda grantee, _: GivenGrantAnswer.of(grantee),
    Part.GRANTS_RECEIVED: lambda grant, _: ReceivedGrantAnswer.model_validate(grant),
    Part.ACTIVITY: lambda entry, _: EntryAnswer.of(entry),
}
"""What an entry of each part looks like, in the order of the document."""
