"""What an operator says of identity providers: BASALT_PROVIDERS__NAME__… and where to return."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from domain.identity import ISSUER_MAX, PROVIDER_NAME_MAX
from entrypoints.values import is_safe_place, listed, lower, shown, switch, unset

GITHUB = "https://github.com"

DISCOVERY = "/.well-known/openid-configuration"

_NAME = re.compile(rf"(?=.{{1,{PROVIDER_NAME_MAX}}}__)([A-Z0-9]+(?:_[A-Z0-9]+)*)__([A-Z_]+)")

Switch = Annotated[bool, BeforeValidator(switch)]


def _issuer(value: object) -> object:
    text = str(value).strip()
    if not text:
        raise ValueError("is empty: it must be like https://login.example.org")
    if not is_safe_place(text) or "?" in text or len(text) > ISSUER_MAX:
        raise ValueError(
            f"must be like https://login.example.org, http only on this machine; {shown(text)} "
            "is not"
        )
    if text.endswith(DISCOVERY):
        raise ValueError(f"must be what stands before {DISCOVERY}")
    return text


def _client_id(value: object) -> object:
    text = str(value).strip()
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError("must be what the provider calls you")
    return text


def _client_secret(value: object) -> object:
    text = unset(value.get_secret_value() if isinstance(value, SecretStr) else value)
    if isinstance(text, str) and not (text.isascii() and text.isprintable()):
        raise ValueError("must be one line of plain characters")  # RFC 6749 §A.2
    return text


def _scopes(value: object) -> object:
    return listed(value.replace(" ", ",")) if isinstance(value, str) else value


class ProviderSettings(BaseModel):
    """One identity provider."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Annotated[Literal["oidc", "github"], BeforeValidator(lower)]
    issuer: Annotated[str, BeforeValidator(_issuer)]
    client_id: Annotated[str, BeforeValidator(_client_id)]
    client_secret: Annotated[SecretStr | None, BeforeValidator(_client_secret)] = Field(
        None, validate_default=True
    )
    scopes: Annotated[tuple[str, ...], BeforeValidator(_scopes)] = Field(
        default_factory=lambda known: _usual_scopes(known.get("kind", "oidc"))
    )
    trust_email: Switch = False
    allow_private: Switch = False

    @model_validator(mode="before")
    @classmethod
    def _github_by_name(cls, given: Any) -> Any:
        """Take github.com for GitHub, and everything else for OpenID Connect."""
        if not isinstance(given, Mapping):
            return given
        if _is_github(str(given.get("issuer", ""))):
            return {"kind": "github", **given, "issuer": GITHUB}
        return {"kind": "oidc", **given}

    @model_validator(mode="after")
    def _complete(self) -> "ProviderSettings":
        if self.kind == "oidc" and self.issuer == GITHUB:
            raise ValueError("is GitHub, which speaks no OpenID Connect: set __KIND=github")
        if self.kind == "oidc" and "openid" not in self.scopes:
            raise ValueError("needs openid among its __SCOPES")
        if self.kind == "github" and self.client_secret is None:
            raise ValueError("needs a __CLIENT_SECRET")
        return self


def _is_github(issuer: str) -> bool:
    """Whether somebody means github.com, whose addresses are several."""
    return re.match(r"(?i)\s*https://(www\.|api\.)?github\.com(/|\s*$)", issuer) is not None


def _usual_scopes(kind: str) -> tuple[str, ...]:
    return ("read:user", "user:email") if kind == "github" else ("openid", "email", "profile")


def part_of_provider(name: str) -> str | None:
    """Return `name.part` for what stands behind BASALT_PROVIDERS__, or None if it is no setting."""
    found = _NAME.fullmatch(name)
    is_part = found is not None and found[2].lower() in ProviderSettings.model_fields
    return f"{found[1]}.{found[2]}".lower() if found and is_part else None


def nearest_to(name: str) -> str | None:
    """Say which settings there are for what stands behind BASALT_PROVIDERS__, and is none."""
    found = _NAME.fullmatch(name.upper())
    if found is None:
        return None
    parts = [part.upper() for part in ProviderSettings.model_fields]
    near = get_close_matches(found[2], parts, n=1)
    return f"did you mean __{near[0]}?" if near else f"there are __{', __'.join(parts)}"


def gathered(parts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what was given part by part for each provider."""
    providers: dict[str, dict[str, str]] = {}
    for place, value in parts.items():
        name, _, part = place.partition(".")
        providers.setdefault(name, {})[part] = value
    for name, given in providers.items():
        if name == "github":
            given.setdefault("issuer", GITHUB)
    return providers


def problems_of(
    providers: Mapping[str, ProviderSettings], *, returns: bool, is_production: bool
) -> Iterable[str]:
    """Say what is wrong with providers that are good one by one."""
    if providers and not returns:
        yield "leaves browsers nowhere to return to: set BASALT_REDIRECT_URIS"
    issuers = [each.issuer.rstrip("/") for each in providers.values()]
    if len(set(issuers)) < len(issuers):
        yield "has one __ISSUER under two names: remove one of them"
    for name, each in providers.items():
        if is_production and not each.issuer.startswith("https://"):
            yield f"has {name.upper()}__ISSUER without TLS: use https:// in production"


def return_address(text: str) -> str:
    """Return an address to which browsers may return. Raises ValueError.

    Pages have TLS, or are on this very machine; apps have a scheme of their own, with a dot in it
    (RFC 8252 §7.1).
    """
    scheme = text.partition(":")[0].lower()
    is_app = re.fullmatch(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/[!-~]*", text) is not None
    is_page = scheme in {"http", "https"} and is_safe_place(text)
    if not (is_page or (is_app and not set(text) & set('"<>\\^`{|}#'))) or "*" in text:
        raise ValueError(
            f"must list addresses like https://app.example.org/signed-in, and {shown(text)} is none"
        )
    return text
