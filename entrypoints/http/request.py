"""A request as our routes hand it on: nobody behind them waits for its body any more."""

from typing import Any

from fastapi import Request
from starlette.datastructures import FormData


class StrictRequest(Request):
    """A request whose body was read and parsed already."""

    content: bytes = b""
    parsed: Any = None

    async def body(self) -> bytes:
        """Return the body as it came."""
        return self.content

    async def json(self) -> Any:
        """Return what the body says."""
        return self.parsed

    async def form(self, **_: Any) -> FormData:  # type: ignore[override]  # limits are kept already
        """Return the fields of the body."""
        return self.fields

    @property
    def fields(self) -> FormData:
        """The fields of a form; one without a byte has none."""
        form: FormData = self.parsed or FormData()
        return form
