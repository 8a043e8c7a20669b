"""The chain of the audit trail: each entry's MAC covers the entry and the MAC before it.

The key is random, made by the service for this alone and kept sealed: whoever can write to the
database, but does not have the operator's secret, cannot forge a MAC.
"""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from application.ports.security import AuditChain, Sealer
from application.ports.store import Reading
from application.starting import AUDIT_KEY
from domain.audit import Act, Entry, Head, Personal
from domain.errors import StoreUnfit


class HmacAuditChain(AuditChain):
    """HMAC-SHA256 over a canonical form of each entry, and salted digests of personal parts."""

    def __init__(self, reading: Reading, sealer: Sealer) -> None:
        self._reading = reading
        self._sealer = sealer

    @cached_property
    def _key(self) -> bytes:
        with self._reading() as see:
            sealed = see.vault.get(AUDIT_KEY)
        if sealed is None:
            raise StoreUnfit("The audit trail has no key: start 'basalt serve' once.")
        return self._sealer.open(AUDIT_KEY, sealed)

    def link(self, act: Act, *, behind: Head) -> Entry:
        entry = Entry.of(act, behind=behind, personal_digest=_digest(act.personal))
        return replace(entry, mac=self._mac(entry, behind))

    def is_linked(self, entry: Entry, *, behind: Head) -> bool:
        return hmac.compare_digest(entry.mac, self._mac(entry, behind))

    def is_whole(self, entry: Entry) -> bool:
        return entry.personal is None or _digest(entry.personal) == entry.personal_digest

    def _mac(self, entry: Entry, behind: Head) -> bytes:
        written = _canonical(
            behind.mac.hex(),
            entry.number,
            str(entry.id),
            _moment(entry.at),
            entry.action,
            entry.result,
            None if entry.actor_id is None else str(entry.actor_id),
            entry.target_type,
            entry.target_id,
            entry.request_id,
            entry.personal_digest.hex(),
        )
        return hmac.digest(self._key, written, hashlib.sha256)


def _digest(personal: Personal) -> bytes:
    written = _canonical(personal.address, personal.user_agent, personal.email)
    return hashlib.sha256(personal.salt + written).digest()


def _canonical(*parts: str | int | None) -> bytes:
    """Return one spelling for one list of values, and another for every other list."""
    return json.dumps(parts, separators=(",", ":")).encode()


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
