"""Authenticator apps and texts that keep the ports' promises and hide nothing."""

from datetime import datetime

from application.ports.second_factor import AppSetup, AuthenticatorApps, SecretTexts
from domain.second_factor import STEPS_APART, step_at


class PlainApps(AuthenticatorApps):
    """Apps whose codes say of which step and secret they are."""

    def __init__(self) -> None:
        self.drawn = 0

    def setup(self, secret: bytes, *, account: str) -> AppSetup:
        self.drawn += 1
        return AppSetup(secret.hex(), f"uri of {account}", "picture")

    def step_of(self, code: str, secret: bytes, *, now: datetime) -> int | None:
        near = range(step_at(now) + STEPS_APART, step_at(now) - STEPS_APART - 1, -1)
        good = [step for step in near if code == f"{secret.hex()} {step}"]
        return good[0] if good else None


class CountedTexts(SecretTexts):
    """Texts of one kind that never repeat, by counting."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._made = 0

    def make(self) -> tuple[str, bytes]:
        self._made += 1
        text = f"{self._kind} {self._made}"
        return text, f"digest of {text}".encode()

    def digest(self, text: str) -> bytes | None:
        return f"digest of {text}".encode() if text.startswith(f"{self._kind} ") else None
