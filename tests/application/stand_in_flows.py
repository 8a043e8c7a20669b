"""Secrets of flows that anybody could guess, and that keep the port's promises otherwise."""

from application.ports.identities import FlowTexts, Handshake
from domain.errors import InvalidFlow


class CountedFlowTexts(FlowTexts):
    """Secrets that are numbers; what is made of them says so."""

    def __init__(self) -> None:
        self.count = 0

    def make(self) -> str:
        self.count += 1
        return f"flow {self.count}"

    def digest(self, text: str) -> bytes:
        if not text.startswith("flow "):
            raise InvalidFlow
        return f"digest of {text}".encode()

    def handshake(self, text: str) -> Handshake:
        return Handshake(
            state=f"state of {text}", nonce=f"nonce of {text}", verifier=f"verifier of {text}"
        )

    def is_state_of(self, state: str, text: str) -> bool:
        return state == f"state of {text}"
