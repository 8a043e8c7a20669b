"""What an operator may decide; the only code that reads the environment and `.env` files."""

import contextlib
import ipaddress
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from email.headerregistry import Address
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic import field_validator as check
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from domain import email as emails
from domain.errors import InvalidValue
from entrypoints.provider_settings import (
    ProviderSettings,
    gathered,
    nearest_to,
    part_of_provider,
    problems_of,
    return_address,
)
from entrypoints.values import listed, lower, shown, switch, unset

PREFIX = "BASALT_"
PROVIDERS = f"{PREFIX}PROVIDERS__"
EXAMPLE_SECRET = "replace-me-with-what-openssl-rand-base64-48-prints"  # noqa: S105 (refused)
SECRET_BYTES = 32
DISTINCT_CHARACTERS = 10
TEN_YEARS = 315_360_000

Environment = Literal["development", "test", "production"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# OWASP's equally strong choices of memory (KiB) and passes, each at one lane.
_OWASP_ARGON2 = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))
_PLACEHOLDERS = re.compile(
    "changeme|changethis|replaceme|placeholder|example|secret|password|insecure|default"
)


class SettingsError(Exception):
    """The service cannot start as configured; `problems` has a sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _whole(least: int, most: int) -> BeforeValidator:
    """Take plain decimal digits only: no `1_000`, `6e2`, `10.0`, `True`, which int would accept."""

    def read(value: object) -> object:
        text = str(value).strip()
        if (
            isinstance(value, bool)
            or not re.fullmatch(r"-?[0-9]{1,15}", text)
            or not (least <= int(text) <= most)
        ):
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return BeforeValidator(read)


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(
            f"must list addresses or networks like 10.0.0.0/8, and {shown(text)} is neither"
        ) from error
    if network.prefixlen == 0:
        raise ValueError(f"must not trust everybody: {network} contains every address")
    return network


def _networks(value: object) -> object:
    return (
        tuple(_network(part.strip()) for part in value.split(",") if part.strip())
        if isinstance(value, str)
        else value
    )


def _origin(text: str) -> str:
    """Return `scheme://host[:port]` as browsers write it, lower case, without a default port."""
    advice = f"must be like https://app.example.org, and {shown(text)} is not"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(advice) from error
    host = parts.hostname or ""
    bare = text.lower() in {
        f"{parts.scheme}://{parts.netloc.lower()}{slash}" for slash in ("", "/")
    } and not set(parts.netloc) & set("@*\\ ")
    named = re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:.]+", host) is not None
    if parts.scheme not in {"http", "https"} or not bare or not named or port == 0:
        raise ValueError(advice)
    shown_host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown_host}" + (f":{port}" if port not in {None, usual} else "")


def known_database(text: str) -> str:
    """Return the address with the driver that Basalt ships, or say which addresses it knows."""
    advice = "must be like sqlite:////var/lib/basalt/basalt.db or postgresql://user@host/name"
    scheme, _, rest = text.strip().partition("://")
    try:
        parts = urlsplit(f"//{rest}")
        _ = parts.port
    except ValueError as error:
        raise ValueError(advice) from error
    if scheme == "sqlite":
        if parts.netloc:
            raise ValueError("names a host for SQLite: write three slashes before the path")
        return f"sqlite://{rest}"
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"} and rest:
        return f"postgresql+psycopg://{rest}"
    raise ValueError(advice)


def _page(text: str) -> str:
    """Return the address under which pages are: an origin, and perhaps a path."""
    scheme, _, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    if not re.fullmatch(r"[\w./~-]*", path, re.ASCII):
        raise ValueError(f"must be like https://app.example.org, and {shown(text)} is not")
    return f"{_origin(f'{scheme}://{host}')}{slash}{path}".rstrip("/")


def _mailbox(text: str) -> str:
    """Return who mail is from, as a header says it: an address, perhaps behind a name."""
    found = re.fullmatch(r"\s*(?:([^<>@,;:\"\\\x00-\x1f]*)<([^<>\s]+)>|([^<>\s]+))\s*", text)
    try:
        name, bracketed, bare = found.groups() if found else (None, None, "")
        address = emails.address(bracketed or bare)
    except InvalidValue as error:
        raise ValueError("must be like Basalt <no-reply@example.org>") from error
    return str(Address((name or "").strip(), addr_spec=address))


def _relay(text: str) -> str:
    """Return the address of a mail server, or say which addresses are known."""
    advice = "must be like smtps://user:password@mail.example.org, smtp+starttls://… or smtp://…"
    try:
        parts = urlsplit(text)
        is_known = parts.scheme in {"smtp", "smtps", "smtp+starttls"} and parts.port != 0
    except ValueError as error:
        raise ValueError(advice) from error
    if not is_known or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(advice)
    return text


def _weakness(secret: str) -> str | None:
    """Say why a secret could be guessed; None when nothing speaks against it."""
    advice = "put what `openssl rand -base64 48` prints there"
    if len(secret.encode(errors="replace")) < SECRET_BYTES:
        return f"must have at least {SECRET_BYTES} bytes: {advice}"
    letters = re.sub(r"[\W_]", "", secret.casefold())
    steps = sum(abs(ord(a) - ord(b)) <= 1 for a, b in pairwise(secret))
    repeated = secret in (secret + secret)[1:-1]
    dull = repeated or len(set(secret)) < DISTINCT_CHARACTERS or steps * 2 > len(secret)
    if dull or _PLACEHOLDERS.search(letters):
        return f"looks like a placeholder or can be guessed: {advice}"
    return None


Seconds = Annotated[int, _whole(1, TEN_YEARS)]
Chosen = Annotated[int, _whole(1, 1024)]
OptionalCount = Annotated[Chosen | None, BeforeValidator(unset)]
OptionalText = Annotated[str | None, BeforeValidator(unset)]
OptionalFolder = Annotated[Path | None, BeforeValidator(unset)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(unset)]


class Settings(BaseSettings):
    """Every decision of the operator, checked; `load` reads them, arguments give them in tests."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )

    env: Environment = "development"
    data_dir: Path = Path("data")
    database_url: SecretStr = Field(
        default_factory=lambda known: SecretStr(f"sqlite:///{known['data_dir']}/basalt.db")
    )
    secret_key: OptionalSecret = None
    secret_key_previous: OptionalSecret = None
    base_url: str = "http://127.0.0.1:8000"
    access_token_ttl: Seconds = 600
    session_idle_ttl: Seconds = 1_209_600
    session_ttl: Seconds = 7_776_000
    refresh_grace: Annotated[int, _whole(0, TEN_YEARS)] = 10
    session_cap: Annotated[int, _whole(1, 10_000)] = 50
    password_min_length: Annotated[int, _whole(8, 256)] = 15
    argon2_memory_kib: Annotated[int, _whole(8, 4_194_304)] = 19_456
    argon2_time: Annotated[int, _whole(1, 100)] = 2
    argon2_parallelism: Annotated[int, _whole(1, 64)] = 1
    require_verified_email: Annotated[bool, BeforeValidator(switch)] = False
    redirect_uris: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    providers: Mapping[str, ProviderSettings] = Field(default_factory=dict)
    frontend_url: OptionalText = None
    mail_from: OptionalText = None
    mail_dir: OptionalFolder = None
    smtp_url: OptionalSecret = None
    rate_limits: Annotated[bool, BeforeValidator(switch)] = True
    request_limit: Annotated[int, _whole(0, 1_000_000)] = 0
    max_body_bytes: Annotated[int, _whole(1024, 1_073_741_824)] = 1_048_576
    receive_timeout: Annotated[int, _whole(1, 3600)] = 10
    worker_threads: OptionalCount = None
    hash_workers: OptionalCount = None
    db_pool_size: OptionalCount = None
    drain_delay: Annotated[int, _whole(0, 3600)] = 1
    shutdown_grace: Annotated[int, _whole(1, 3600)] = 10
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(lower)
    ] = "info"
    log_format: Annotated[Literal["console", "json"], BeforeValidator(lower)] = Field(
        default_factory=lambda known: "json" if known.get("env") == "production" else "console"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let `Settings()` depend on its arguments alone; `load` reads files and environment."""
        return (init_settings,)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Self:
        """Read the environment, `.env.{BASALT_ENV}` and `.env`, the first that has a name winning.

        Raises SettingsError with everything that is wrong at once.
        """
        where = Path() if folder is None else folder
        problems: list[str] = []
        given = _ours((os.environ if environ is None else environ).items(), "", problems)
        base = _file(where / ".env", problems)
        env = given.get("env", base.get("env", "development"))
        special = _file(where / f".env.{env}", problems) if env in get_args(Environment) else {}
        if special.get("env", env) != env:
            problems.append(f"BASALT_ENV is {env}, and .env.{env} says otherwise: remove it there")
        try:
            settings = cls.model_validate(_nested(base | special | given))
        except ValidationError as error:
            problems += _sentences(error)
        else:
            if not problems:
                return settings
        raise SettingsError(problems)

    @check("data_dir")
    @classmethod
    def _plain_folder(cls, folder: Path) -> Path:
        if folder == Path() or re.search(r"[?\x00-\x1f]", str(folder)):
            raise ValueError("must name a folder of its own, without question marks")
        return folder

    @check("database_url")
    @classmethod
    def _known_database(cls, address: SecretStr) -> SecretStr:
        return SecretStr(known_database(address.get_secret_value()))

    @check("secret_key", "secret_key_previous")
    @classmethod
    def _strong_in_production(
        cls, secret: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if info.data.get("env") != "production":
            return secret
        if secret is not None:
            if problem := _weakness(secret.get_secret_value()):
                raise ValueError(problem)
        elif info.field_name == "secret_key":
            raise ValueError("is required: put what `openssl rand -base64 48` prints there")
        return secret

    @check("base_url")
    @classmethod
    def _safe_origin(cls, text: str, info: ValidationInfo) -> str:
        address = _origin(text.strip())
        if info.data.get("env") == "production" and not address.startswith("https://"):
            raise ValueError("must begin with https:// in production")
        return address

    @check("argon2_parallelism")
    @classmethod
    def _owasp_in_production(cls, lanes: int, info: ValidationInfo) -> int:
        memory, passes = info.data.get("argon2_memory_kib"), info.data.get("argon2_time")
        if memory is None or passes is None:
            return lanes
        if memory < 8 * lanes:
            raise ValueError("needs 8 KiB a lane: raise BASALT_ARGON2_MEMORY_KIB or lower this")
        if info.data.get("env") == "production" and not any(
            memory >= least and passes >= times for least, times in _OWASP_ARGON2
        ):
            raise ValueError(
                "stands with less than OWASP's minimum: set BASALT_ARGON2_MEMORY_KIB=19456 "
                "and BASALT_ARGON2_TIME=2, or more"
            )
        return lanes

    @check("frontend_url")
    @classmethod
    def _safe_pages(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is None:
            return None
        address = _page(text.strip())
        if info.data.get("env") == "production" and not address.startswith("https://"):
            raise ValueError("must begin with https:// in production")
        return address

    @check("redirect_uris")
    @classmethod
    def _exact_addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(return_address(text) for text in addresses))

    @check("providers")
    @classmethod
    def _together(
        cls, providers: Mapping[str, ProviderSettings], info: ValidationInfo
    ) -> Mapping[str, ProviderSettings]:
        known = info.data
        problems = problems_of(
            providers,
            returns=known.get("redirect_uris") != (),
            is_production=known.get("env") == "production",
        )
        for problem in problems:
            raise ValueError(problem)
        return providers

    @check("mail_from")
    @classmethod
    def _mailbox_of_ours(cls, text: str | None) -> str | None:
        return None if text is None else _mailbox(text)

    @check("smtp_url")
    @classmethod
    def _known_relay(cls, address: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        known = info.data
        is_production = known.get("env") == "production"
        if address is None:
            sends = known.get("mail_dir") is not None or not is_production
            if known.get("require_verified_email") and not sends:
                raise ValueError("is required where BASALT_REQUIRE_VERIFIED_EMAIL is on")
            return None
        text = _relay(address.get_secret_value().strip())
        if is_production and text.startswith("smtp://") and "@" in text:
            raise ValueError("would tell the password in the clear: use smtps or smtp+starttls")
        return SecretStr(text)

    @check("cors_origins")
    @classmethod
    def _exact_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_origin(text) for text in origins))

    @property
    def database_label(self) -> str:
        """The database's address as people may see it: no user, password or options."""
        scheme, _, rest = self.database_url.get_secret_value().partition("://")
        if scheme == "sqlite":
            return f"sqlite://{rest.partition('?')[0]}"
        parts = urlsplit(f"//{rest}")
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def sender(self) -> str:
        """Who mail is from: as set, or nobody who reads answers."""
        return self.mail_from or f"Basalt <no-reply@{urlsplit(self.base_url).hostname}>"

    @property
    def mail_folder(self) -> Path | None:
        """The folder for mail, where no server is named; in production only if one is asked for."""
        if self.smtp_url is not None:
            return None
        if self.mail_dir is None and self.env != "production":
            return self.data_dir / "mail"
        return self.mail_dir

    @property
    def threads(self) -> int:
        """Worker threads for use cases: as set, or some for each processor."""
        return self.worker_threads or min(32, 4 + 2 * _processors())

    @property
    def hashers(self) -> int:
        """Threads that hash passwords: as set, or all processors but one, to keep answering."""
        return self.hash_workers or max(1, min(8, _processors() - 1))

    @property
    def pool_size(self) -> int:
        """Database connections: as set, or one for each thread that could want one."""
        return self.db_pool_size or self.threads + self.hashers


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What seals the service's keys and tokens now, and what still opens older ones."""

    current: bytes = field(repr=False)
    previous: bytes | None = field(default=None, repr=False)


def ensure_secret(settings: Settings) -> Secrets:
    """Return the secrets; outside production, make one in the data folder when none is set.

    Of processes that start at once, one makes it and all use it. Raises SettingsError when the
    file cannot be made, read or trusted.
    """
    old = settings.secret_key_previous
    previous = None if old is None else old.get_secret_value().encode(errors="surrogateescape")
    if settings.secret_key is not None:
        return Secrets(
            current=settings.secret_key.get_secret_value().encode(errors="surrogateescape"),
            previous=previous,
        )
    path = settings.data_dir / "secret_key"
    try:
        if not path.exists():
            _create_once(path, secrets.token_urlsafe(48).encode())
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        current = path.read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            [f"{path} cannot be used ({error.strerror}): set BASALT_SECRET_KEY or mend the folder"]
        ) from error
    if len(current) < SECRET_BYTES:
        raise SettingsError([f"{path} is damaged: restore it, or remove it to end every session"])
    return Secrets(current=current, previous=previous)


def _create_once(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, unless another process was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)  # unlike a rename, it never replaces the winner's file
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _processors() -> int:
    """Processors that this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _file(path: Path, problems: list[str]) -> dict[str, str]:
    """Read the BASALT_ names of a `.env` file; a file that is not there has none."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            lines = list(parse_stream(stream))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError):
        problems.append(f"{path.name} cannot be read as text: mend its rights or its encoding")
        return {}
    problems += [
        f"{path.name} line {line.original.line} is not NAME=value: mend or remove it"
        for line in lines
        if line.error or (line.key is not None and line.value is None)
    ]
    pairs = ((line.key, line.value) for line in lines)
    return _ours(
        ((key, value) for key, value in pairs if key is not None and value is not None),
        f" in {path.name}",
        problems,
    )


def _ours(pairs: Iterable[tuple[str, str]], place: str, problems: list[str]) -> dict[str, str]:
    """Keep what is Basalt's, by field name, and object to names that no field has."""
    known = {PREFIX + name.upper(): name for name in Settings.model_fields if name != "providers"}
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in known:
            found[known[name]] = value
        elif name.startswith(PROVIDERS) and (part := part_of_provider(name[len(PROVIDERS) :])):
            found[f"providers.{part}"] = value
        elif name.upper().startswith(PREFIX) and not name.startswith("BASALT_TEST_"):
            near = get_close_matches(name.upper(), known, n=1, cutoff=0.8)
            mend = f"did you mean {near[0]}?" if near else "remove it"
            if name.upper().startswith(PROVIDERS):
                mend = nearest_to(name[len(PROVIDERS) :]) or mend
            problems.append(f"{shown(name)}{place} is not a setting: {mend}")
    return found


def _nested(given: Mapping[str, str]) -> dict[str, object]:
    """Return what was given, with the parts of each provider together."""
    parts = {
        name.removeprefix("providers."): value
        for name, value in given.items()
        if name.startswith("providers.")
    }
    plain = {name: value for name, value in given.items() if not name.startswith("providers.")}
    return {**plain, "providers": gathered(parts)}


def _sentences(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        depth = len(problem["loc"]) if problem["loc"][0] == "providers" else 1
        name = PREFIX + "__".join(str(step) for step in problem["loc"][:depth]).upper()
        match problem["type"]:
            case "default_factory_not_called":
                continue  # another sentence says which value it would have been made from
            case "value_error":
                yield f"{name} {problem['ctx']['error']}"
            case "missing":
                yield f"{name} is required"
            case "literal_error":
                yield f"{name} must be {problem['ctx']['expected']}"
            case _:
                yield f"{name} is not usable: {problem['msg']}"
