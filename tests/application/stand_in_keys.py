"""Keys, seals and the audit trail's chain that keep the ports' promises and hide nothing."""

import hashlib
from dataclasses import replace
from datetime import datetime

from application.ports.security import AuditChain, KeyForge, Sealer
from domain.audit import Act, Entry, Head
from domain.errors import StoreUnfit
from domain.key import KeyId, SigningKey
from tests.domain.examples import a_key


class PlainSealer(Sealer):
    """Seals that hide nothing, of one of the secrets; the first is today's."""

    def __init__(self) -> None:
        self.secrets = ["today"]

    def seal(self, name: str, plain: bytes) -> bytes:
        return f"{self.secrets[0]}:{name}:".encode() + plain

    def open(self, name: str, sealed: bytes) -> bytes:
        secret, sealed_for, plain = sealed.split(b":", 2)
        if secret.decode() not in self.secrets or sealed_for.decode() != name:
            raise StoreUnfit("It was sealed with another secret.")
        return plain

    def is_current(self, sealed: bytes) -> bool:
        return sealed.startswith(f"{self.secrets[0]}:".encode())


class PlainForge(KeyForge):
    """Makes keys that nobody can sign with, sealed."""

    def __init__(self, sealer: PlainSealer) -> None:
        self._sealer = sealer
        self.made = 0

    def make(self, *, now: datetime, signs_from: datetime) -> SigningKey:
        self.made += 1
        id = KeyId(f"key {self.made}")
        return a_key(
            id=id,
            public=f"public {self.made}",
            sealed=self._sealer.seal(id, b"private"),
            created_at=now,
            signs_from=signs_from,
        )

    def resealed(self, key: SigningKey) -> SigningKey:
        if self._sealer.is_current(key.sealed):
            return key
        return replace(key, sealed=self._sealer.seal(key.id, self._sealer.open(key.id, key.sealed)))


class HashedChain(AuditChain):
    """Links entries by hashes without a key."""

    def link(self, act: Act, *, behind: Head) -> Entry:
        entry = Entry.of(act, behind=behind, personal_digest=_digest(act.personal))
        return replace(entry, mac=self._mac(entry, behind))

    def is_linked(self, entry: Entry, *, behind: Head) -> bool:
        return entry.mac == self._mac(entry, behind)

    def is_whole(self, entry: Entry) -> bool:
        return entry.personal is None or _digest(entry.personal) == entry.personal_digest

    def _mac(self, entry: Entry, behind: Head) -> bytes:
        return _digest((behind, replace(entry, mac=b"", personal=None)))


def _digest(value: object) -> bytes:
    return hashlib.sha256(repr(value).encode(errors="backslashreplace")).digest()
