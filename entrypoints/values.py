"""How operators write values: switches, lists, and nothing at all."""

from urllib.parse import urlsplit


def switch(value: object) -> object:
    """Read on or off. Raises ValueError."""
    choice = (
        {"on": True, "off": False}.get(value.strip().lower()) if isinstance(value, str) else value
    )
    if not isinstance(choice, bool):
        raise ValueError("must be on or off")  # noqa: TRY004 (pydantic listens for ValueError)
    return choice


def unset(value: object) -> object:
    """Read what is empty as not given."""
    return None if isinstance(value, str) and not value.strip() else value


def listed(value: object) -> object:
    """Read a list, whose parts have commas between them."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def lower(value: object) -> object:
    """Read a word whatever the case of its letters."""
    return value.strip().lower() if isinstance(value, str) else value


def shown(text: str) -> str:
    """Return a value in one line of plain characters, so that none can forge a line of output."""
    return ascii(text[:80])[1:-1]


def is_safe_place(text: str) -> bool:
    """Whether a URL has a host and TLS, or is on this very machine; and has nothing odd in it."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' "<>\\^`{|}')
    if not is_plain or not host or "@" in parts.netloc or "#" in text:
        return False
    is_here = host in {"localhost", "127.0.0.1", "::1"}
    return parts.scheme == "https" or (parts.scheme == "http" and is_here)
