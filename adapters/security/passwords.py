"""Argon2id (RFC 9106), with parameters that the operator may raise at any time."""

from argon2 import PasswordHasher as Argon2
from argon2 import Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from application.ports.security import PasswordHasher


class Argon2PasswordHasher(PasswordHasher):
    """Hashes by Argon2id; verifying without a hash takes what verifying a current one takes."""

    def __init__(self, *, memory_kib: int, passes: int, parallelism: int) -> None:
        self._argon2 = Argon2(
            time_cost=passes, memory_cost=memory_kib, parallelism=parallelism, type=Type.ID
        )
        self._nobody = self._argon2.hash("nobody's password")

    def hash(self, password: str) -> str:
        return self._argon2.hash(password)

    def matches(self, password: str, hashed: str | None) -> bool:
        text = password.encode("utf-8", "surrogatepass")
        try:
            self._argon2.verify(self._nobody if hashed is None else hashed, text)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        made = extract_parameters(hashed)
        return (
            made.type is not Type.ID
            or made.memory_cost < self._argon2.memory_cost
            or made.time_cost < self._argon2.time_cost
        )
