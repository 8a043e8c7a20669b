"""Mail that keeps the ports' promises and goes no further than a list."""

import hashlib
from collections.abc import Callable
from uuid import UUID

from application.ports.mail import (
    Message,
    OneTimeMint,
    Postman,
    Stationery,
    TokenClaim,
    Undelivered,
)
from domain.errors import InvalidOneTimeToken
from domain.mail import Letter, LetterId, OneTimeToken


class HashedOneTimeTokens(OneTimeMint):
    """Tokens that say their letter's id and a digest of everything that they are bound to."""

    def of(self, token: OneTimeToken) -> str:
        return f"{token.id} {_proof(token).hex()}"

    def read(self, text: str) -> TokenClaim:
        id, _, proof = text.partition(" ")
        try:
            return TokenClaim(id=LetterId(UUID(id)), proof=bytes.fromhex(proof))
        except ValueError:
            raise InvalidOneTimeToken from None

    def is_genuine(self, claim: TokenClaim, token: OneTimeToken) -> bool:
        return claim == TokenClaim(id=token.id, proof=_proof(token))


def _proof(token: OneTimeToken) -> bytes:
    bound = f"{token.id} {token.user_id} {token.topic} {token.address} {token.seed.hex()}"
    return hashlib.sha256(bound.encode()).digest()


class PlainStationery(Stationery):
    """Letters that say their topic and their token, and nothing else."""

    def write(self, letter: Letter, *, to: str, token: str | None) -> Message:
        return Message(
            id=str(letter.id),
            at=letter.created_at,
            to=to,
            subject=letter.topic,
            text=token or "",
            html="",
        )


class NotedPostman(Postman):
    """Notes what arrives; a test can close the road, or let something happen on the way."""

    def __init__(self, is_held: Callable[[], bool]) -> None:
        self.arrived: list[Message] = []
        self.closed: Undelivered | None = None
        self.meanwhile: list[Callable[[], object]] = []
        self._is_held = is_held

    def send(self, message: Message) -> None:
        assert not self._is_held(), "a writer's lock is held while a mail is sent"
        if self.closed:
            raise self.closed
        self.arrived.append(message)
        if self.meanwhile:
            self.meanwhile.pop(0)()
