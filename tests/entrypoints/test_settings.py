"""Proves what an operator may set, what is refused and in which words, and that no secret shows."""

import re
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from entrypoints.settings import EXAMPLE_SECRET, Settings, SettingsError, ensure_secret

SECRET = "tR7vKq2xWm9ZpLd4YcHs8NfBj3GgUe6A"
ROOT = Path(__file__).parents[2]


def load(folder: Path, **environ: str) -> Settings:
    return Settings.load({f"BASALT_{name}": value for name, value in environ.items()}, folder)


def problems(folder: Path, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(folder, **environ)
    return caught.value.problems


def in_production(folder: Path, **environ: str) -> Settings:
    secure = {"ENV": "production", "SECRET_KEY": SECRET, "BASE_URL": "https://api.example.org"}
    return load(folder, **(secure | environ))


# ------------------------------------------------------------------------------------ defaults
def test_everything_has_a_default_outside_production(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings == Settings()
    assert settings.database_url.get_secret_value() == "sqlite:///data/basalt.db"
    assert settings.log_format == "console"
    assert not list(tmp_path.iterdir())


def test_the_constructor_reads_neither_environment_nor_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASALT_SESSION_CAP", "7")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("BASALT_REFRESH_GRACE=7\n")
    assert Settings() == Settings(session_cap=50, refresh_grace=10)
    assert (Settings.load().session_cap, Settings.load().refresh_grace) == (7, 7)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().session_cap = 1  # type: ignore[misc]


def test_the_example_names_every_setting_with_its_default() -> None:
    lines = re.findall(r"(?m)^# BASALT_([A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text())
    shown = {name.lower(): value for name, value in lines}
    assert len(lines) == len(shown)
    example = {name: value for name, value in shown.items() if not name.startswith("providers_")}
    assert set(example) == set(Settings.model_fields) - {"providers"}
    assert example.pop("secret_key") == EXAMPLE_SECRET
    written = {f"BASALT_{name.upper()}": value for name, value in example.items()}
    assert Settings.load(written, ROOT / "tests") == Settings()


# ---------------------------------------------------------------------------------- precedence
def test_environment_wins_over_the_environments_file_and_that_over_the_common_one(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text(
        "BASALT_ENV=test\nBASALT_SESSION_CAP=1\nBASALT_SESSION_TTL=1\nBASALT_REFRESH_GRACE=1\n"
    )
    (tmp_path / ".env.test").write_text("BASALT_SESSION_TTL=2\nBASALT_REFRESH_GRACE=2\nOTHER=1\n")
    (tmp_path / ".env.production").write_text("BASALT_SESSION_CAP=9\n")
    settings = load(tmp_path, REFRESH_GRACE="3")
    assert settings.env == "test"
    assert (settings.session_cap, settings.session_ttl, settings.refresh_grace) == (1, 2, 3)


def test_the_environment_chooses_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BASALT_ENV=production\n")
    (tmp_path / ".env.test").write_text("BASALT_SESSION_CAP=5\n")
    assert load(tmp_path, ENV="test").session_cap == 5


def test_a_file_may_not_name_another_environment(tmp_path: Path) -> None:
    (tmp_path / ".env.test").write_text("BASALT_ENV=development\n")
    assert problems(tmp_path, ENV="test") == [
        "BASALT_ENV is test, and .env.test says otherwise: remove it there"
    ]


def test_an_environment_is_no_path(tmp_path: Path) -> None:
    (tmp_path / ".env.x").mkdir()
    (tmp_path / "stolen").write_text("BASALT_SESSION_CAP=garbage\n")
    assert problems(tmp_path, ENV="x/../stolen") == [
        "BASALT_ENV must be 'development', 'test' or 'production'"
    ]


def test_values_in_files_are_taken_as_they_stand(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\ufeffBASALT_SECRET_KEY='a${HOME}#b'\nexport BASALT_ENV=test\n")
    secret = load(tmp_path).secret_key
    assert secret is not None
    assert secret.get_secret_value() == "a${HOME}#b"


@pytest.mark.parametrize("content", [b"BASALT_ENV\n", b"BASALT_ENV='open\n", b"\xff\xfe\x00"])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    (problem,) = problems(tmp_path)
    assert problem.startswith(".env ")


# -------------------------------------------------------------------------------- unknown names
def test_unknown_names_are_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BASALT_SESION_CAP=5\n")
    assert problems(tmp_path, LOG_LEVL="info", NONSENSE="1") == [
        "BASALT_LOG_LEVL is not a setting: did you mean BASALT_LOG_LEVEL?",
        "BASALT_NONSENSE is not a setting: remove it",
        "BASALT_SESION_CAP in .env is not a setting: did you mean BASALT_SESSION_CAP?",
    ]


def test_names_are_upper_case(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean BASALT_ENV"):
        Settings.load({"basalt_env": "test"}, tmp_path)


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, **{"X\n\x1b[2JY": "1"})
    assert problem == r"BASALT_X\n\x1b[2JY is not a setting: remove it"


def test_the_tests_own_names_and_other_programs_names_are_ignored(tmp_path: Path) -> None:
    environ = {"BASALT_TEST_POSTGRES": "x", "HOME": "/root", "BASALTIC": "1"}
    assert Settings.load(environ, tmp_path) == Settings()


# --------------------------------------------------------------------------------------- values
ACCEPTED: list[tuple[str, str, object]] = [
    ("ACCESS_TOKEN_TTL", " 1 ", 1),
    ("REFRESH_GRACE", "0", 0),
    ("PASSWORD_MIN_LENGTH", "8", 8),
    ("PASSWORD_MIN_LENGTH", "256", 256),
    ("RATE_LIMITS", "off", False),
    ("RATE_LIMITS", "On", True),
    ("WORKER_THREADS", "", None),
    ("WORKER_THREADS", "3", 3),
    ("SECRET_KEY", "", None),
    ("CORS_ORIGINS", "", ()),
    ("CORS_ORIGINS", "https://a.test, http://LocalHost:51/,", ("https://a.test", "http://localhost:51")),
    ("CORS_ORIGINS", "https://a.test:443,https://[::1]:8443", ("https://a.test", "https://[::1]:8443")),
    ("TRUSTED_PROXIES", "::1, 10.0.0.0/8", (ip_network("::1"), ip_network("10.0.0.0/8"))),
    ("LOG_LEVEL", "DEBUG", "debug"),
    ("BASE_URL", "https://Api.Example.org:8443/", "https://api.example.org:8443"),
    ("DATA_DIR", "/var/lib/basalt", Path("/var/lib/basalt")),
]  # fmt: skip

REFUSED: list[tuple[str, str]] = [
    *(("ACCESS_TOKEN_TTL", value) for value in (
        "0", "-1", "ten", "", "1e3", "1_000", "1.0", "٣", "9" * 30,
    )),
    ("REFRESH_GRACE", "-1"),
    ("PASSWORD_MIN_LENGTH", "7"),
    ("PASSWORD_MIN_LENGTH", "257"),
    ("RATE_LIMITS", "true"),
    ("RATE_LIMITS", ""),
    ("WORKER_THREADS", "0"),
    ("DB_POOL_SIZE", "many"),
    ("ARGON2_PARALLELISM", "0"),
    *(("CORS_ORIGINS", value) for value in (
        "*", "null", "https://*.example.org", "https://a.example/path", "https://a.example?",
        "https://a.example#", "https://me@a.example", "a.example", "ftp://a.example",
        "https://a.example:0", "https://a.example:99999", "https://", "https://bücher.example",
        "https://a.example//", "https://[::1", "https://a b.example",
    )),
    *(("TRUSTED_PROXIES", value) for value in ("*", "here", "10.0.0.1/8", "0.0.0.0/0", "::/0")),
    ("LOG_LEVEL", "loud"),
    ("LOG_FORMAT", "xml"),
    ("BASE_URL", ""),
    ("BASE_URL", "https://api.example.org/v1"),
    ("BASE_URL", "api.example.org"),
    ("DATA_DIR", ""),
    ("DATA_DIR", "."),
    ("DATA_DIR", "data?mode=ro"),
    *(("DATABASE_URL", value) for value in (
        "", "mysql://a/b", "sqlite://data/basalt.db", "sqlite:data.db", "postgresql+asyncpg://a/b",
        "postgresql://", "postgresql://u:p@host:port/db",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "read"), ACCEPTED)
def test_good_values_are_read(tmp_path: Path, name: str, value: str, read: object) -> None:
    assert getattr(load(tmp_path, **{name: value}), name.lower()) == read


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_bad_values_are_refused_in_one_line_that_names_the_variable(
    tmp_path: Path, name: str, value: str
) -> None:
    (problem,) = problems(tmp_path, **{name: value})
    assert problem.startswith(f"BASALT_{name} ")
    assert problem.isprintable()
    assert "usable" not in problem, "a library's sentence instead of ours"


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    assert problems(tmp_path, ENV="prod", SESSION_CAP="x", DATABASE_URL="x", NOPE="1") == [
        "BASALT_NOPE is not a setting: remove it",
        "BASALT_ENV must be 'development', 'test' or 'production'",
        (
            "BASALT_DATABASE_URL must be like sqlite:////var/lib/basalt/basalt.db "
            "or postgresql://user@host/name"
        ),
        "BASALT_SESSION_CAP must be a whole number from 1 to 10000",
    ]


@pytest.mark.parametrize("arguments", [{"session_cap": True}, {"rate_limits": 1}, {"nope": 1}])
def test_arguments_are_judged_like_variables(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**arguments)


# ------------------------------------------------------------------------------------- database
@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_has_one_spelling_and_a_label_without_credentials(scheme: str) -> None:
    rest = "basalt:p%40ss@db.internal:5433/main?sslmode=require&password=p%40ss"
    settings = Settings(database_url=SecretStr(f"{scheme}://{rest}"))
    assert settings.database_url.get_secret_value() == f"postgresql+psycopg://{rest}"
    assert settings.database_label == "postgresql://db.internal:5433/main"
    assert "p%40ss" not in repr(settings) + str(settings.model_dump())


def test_sqlite_follows_the_data_folder() -> None:
    settings = Settings(data_dir=Path("/var/lib/basalt"))
    assert settings.database_label == "sqlite:////var/lib/basalt/basalt.db"
    assert Settings(database_url=SecretStr("sqlite://")).database_label == "sqlite://"


def test_the_machine_decides_what_the_operator_leaves_open() -> None:
    chosen = Settings()
    assert chosen.threads >= 1
    assert chosen.hashers >= 1
    assert chosen.pool_size == chosen.threads + chosen.hashers
    fixed = Settings(worker_threads=3, hash_workers=2, db_pool_size=4)
    assert (fixed.threads, fixed.hashers, fixed.pool_size) == (3, 2, 4)


# ----------------------------------------------------------------------------------- production
def test_production_starts_with_a_secret_and_https(tmp_path: Path) -> None:
    settings = in_production(tmp_path, SECRET_KEY_PREVIOUS=SECRET[::-1])
    assert settings.log_format == "json"
    secrets = ensure_secret(settings)
    assert (secrets.current, secrets.previous) == (SECRET.encode(), SECRET[::-1].encode())
    assert SECRET not in repr(settings) + repr(secrets)


def test_production_says_everything_that_it_lacks(tmp_path: Path) -> None:
    assert problems(tmp_path, ENV="production") == [
        "BASALT_SECRET_KEY is required: put what `openssl rand -base64 48` prints there",
        "BASALT_BASE_URL must begin with https:// in production",
    ]


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECRET_KEY_PREVIOUS"])
@pytest.mark.parametrize(
    "secret",
    [
        SECRET[:31],
        "x" * 64,
        "tR7vKq2x" * 8,
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "change-me-please-0123456789-QWERTZ",
        "my super SECRET string of 32 bytes",
        EXAMPLE_SECRET,
        "1212312341234512345612345671234567",
    ],
)
def test_production_refuses_secrets_that_can_be_guessed(
    tmp_path: Path, name: str, secret: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        in_production(tmp_path, **{name: secret})
    (problem,) = caught.value.problems
    assert problem.startswith(f"BASALT_{name} ")
    assert secret not in problem
    assert getattr(load(tmp_path, **{name: secret}), name.lower()) == SecretStr(secret)


@pytest.mark.parametrize(("memory", "passes"), [("19456", "2"), ("47104", "1"), ("7168", "5")])
def test_production_takes_owasps_hashing(tmp_path: Path, memory: str, passes: str) -> None:
    assert in_production(tmp_path, ARGON2_MEMORY_KIB=memory, ARGON2_TIME=passes).env == "production"


@pytest.mark.parametrize(("memory", "passes"), [("19455", "2"), ("19456", "1"), ("7167", "9")])
def test_production_refuses_weaker_hashing(tmp_path: Path, memory: str, passes: str) -> None:
    with pytest.raises(SettingsError, match="OWASP"):
        in_production(tmp_path, ARGON2_MEMORY_KIB=memory, ARGON2_TIME=passes)
    assert load(tmp_path, ARGON2_MEMORY_KIB=memory, ARGON2_TIME=passes).argon2_time == int(passes)


def test_argon2_needs_memory_for_each_lane(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, ARGON2_MEMORY_KIB="31", ARGON2_PARALLELISM="4")
    assert problem.startswith("BASALT_ARGON2_PARALLELISM needs 8 KiB a lane")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "canary"),
        ("DATABASE_URL", "mysql://root:canary@h/d"),
        ("SESSION_CAP", "canary"),
    ],
)
def test_no_refusal_repeats_a_secret(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        in_production(tmp_path, **{name: value})
    assert "canary" not in str(caught.value)


# ---------------------------------------------------------------------------- the secret's file
def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new" / "data")
    assert not (tmp_path / "new").exists()
    first = ensure_secret(settings)
    file = settings.data_dir / "secret_key"
    assert len(first.current) >= 48
    assert ensure_secret(settings) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret_key"]


def test_rights_that_are_too_wide_are_narrowed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    ensure_secret(settings)
    (tmp_path / "secret_key").chmod(0o644)
    ensure_secret(settings)
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize("round_", range(10))
def test_starters_at_the_same_time_share_one_secret(tmp_path: Path, round_: int) -> None:
    settings = Settings(data_dir=tmp_path / str(round_))
    gate = threading.Barrier(8)

    def start(_: int) -> bytes:
        gate.wait()
        return ensure_secret(settings).current

    with ThreadPoolExecutor(8) as starters:
        found = set(starters.map(start, range(8)))
    assert len(found) == 1
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret_key"]


def test_a_given_secret_needs_no_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", secret_key=SecretStr("short"))
    assert ensure_secret(settings).current == b"short"
    assert not settings.data_dir.exists()


@pytest.mark.parametrize("content", [b"", b"cut off"])
def test_a_damaged_secret_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret_key").write_bytes(content)
    with pytest.raises(SettingsError, match="is damaged"):
        ensure_secret(Settings(data_dir=tmp_path))
    assert (tmp_path / "secret_key").read_bytes() == content


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be used") as caught:
        ensure_secret(Settings(data_dir=tmp_path / "file" / "data"))
    assert len(caught.value.problems) == 1


# ---------------------------------------------------------------------------------------- mail
def test_mail_goes_into_a_folder_outside_production_and_nowhere_in_it(tmp_path: Path) -> None:
    assert load(tmp_path, DATA_DIR="here").mail_folder == Path("here/mail")
    assert load(tmp_path, MAIL_DIR="there").mail_folder == Path("there")
    assert load(tmp_path, SMTP_URL="smtp://relay", MAIL_DIR="there").mail_folder is None
    assert in_production(tmp_path).mail_folder is None
    assert in_production(tmp_path, MAIL_DIR="there").mail_folder == Path("there")


@pytest.mark.parametrize(
    "url",
    [
        "smtp://relay",
        "smtps://user:p%40ss@mail.example.org",
        "smtp+starttls://user@mail.example.org:587/",
        "smtp://[::1]:25",
    ],
)
def test_a_mail_server_is_named_by_its_url(tmp_path: Path, url: str) -> None:
    found = load(tmp_path, SMTP_URL=f" {url} ").smtp_url
    assert found
    assert found.get_secret_value() == url


@pytest.mark.parametrize(
    "url", ["relay", "http://relay", "smtp://", "smtps://a:b@", "smtp://r:0", "smtp://r:x",
            "smtp://r/path", "smtp://r?tls=off", "smtps://user:p@ss/word@r", "smtp://r#x"],
)  # fmt: skip
def test_what_names_no_mail_server_is_refused_without_being_told(tmp_path: Path, url: str) -> None:
    (problem,) = problems(tmp_path, SMTP_URL=url)
    assert problem.startswith("BASALT_SMTP_URL must be like smtps://")
    assert url == "smtp://" or url not in problem


def test_production_tells_no_mail_servers_password_in_the_clear(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BASALT_SMTP_URL would tell the password"):
        in_production(tmp_path, SMTP_URL="smtp://user:password@relay")
    in_production(tmp_path, SMTP_URL="smtp://relay")
    in_production(tmp_path, SMTP_URL="smtps://user:password@relay")


def test_addresses_are_not_to_be_proved_where_no_mail_is_sent(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BASALT_SMTP_URL is required"):
        in_production(tmp_path, REQUIRE_VERIFIED_EMAIL="on")
    in_production(tmp_path, REQUIRE_VERIFIED_EMAIL="on", SMTP_URL="smtps://relay")
    in_production(tmp_path, REQUIRE_VERIFIED_EMAIL="on", MAIL_DIR="there")
    assert load(tmp_path, REQUIRE_VERIFIED_EMAIL="on").require_verified_email


def test_mail_is_from_whom_the_operator_says(tmp_path: Path) -> None:
    assert in_production(tmp_path).sender == "Basalt <no-reply@api.example.org>"
    for written in ("Ada <ada@example.org>", "ada@example.org"):
        assert load(tmp_path, MAIL_FROM=written).sender == written
    for bad in ("Ada", "ada@", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example"):
        (problem,) = problems(tmp_path, MAIL_FROM=bad)
        assert problem == "BASALT_MAIL_FROM must be like Basalt <no-reply@example.org>"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://App.example.org/", "https://app.example.org"),
        ("https://app.example.org/my/pages/", "https://app.example.org/my/pages"),
        ("", None),
    ],
)
def test_a_front_end_is_an_origin_and_perhaps_a_path(
    tmp_path: Path, written: str, kept: str | None
) -> None:
    assert load(tmp_path, FRONTEND_URL=written).frontend_url == kept


@pytest.mark.parametrize(
    "bad",
    [
        "app.example.org",
        "javascript://x",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://u:p@a.example",
        "https://a.example/<b>",
    ],
)
def test_what_is_no_front_end_is_refused(tmp_path: Path, bad: str) -> None:
    (problem,) = problems(tmp_path, FRONTEND_URL=bad)
    assert problem.startswith("BASALT_FRONTEND_URL must be like https://app.example.org")


def test_links_are_safe_in_production(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="BASALT_FRONTEND_URL must begin with https://"):
        in_production(tmp_path, FRONTEND_URL="http://app.example.org")


# ------------------------------------------------------------------------------------ providers
BACK = {"REDIRECT_URIS": "https://app.example.org/back"}
GOOGLE = BACK | {
    "PROVIDERS__GOOGLE__ISSUER": "https://accounts.google.com",
    "PROVIDERS__GOOGLE__CLIENT_ID": "us",
}
GITHUB = BACK | {
    "PROVIDERS__GITHUB__CLIENT_ID": "us",
    "PROVIDERS__GITHUB__CLIENT_SECRET": "a secret",
}


def test_the_example_shows_providers_as_they_can_be_set() -> None:
    text = (ROOT / ".env.example").read_text()
    found = dict(re.findall(r"(?m)^# BASALT_(PROVIDERS__[A-Z0-9_]+)=(.*)$", text))
    providers = load(ROOT / "tests", **BACK, **found).providers
    assert set(providers) == {"google", "github"}
    parts = {name.rpartition("__")[2].lower() for name in found}
    assert parts == set(type(providers["google"]).model_fields)


def test_a_provider_needs_an_issuer_and_a_name_for_us(tmp_path: Path) -> None:
    google = load(tmp_path, **GOOGLE).providers["google"]
    assert (google.kind, google.issuer) == ("oidc", "https://accounts.google.com")
    assert google.scopes == ("openid", "email", "profile")
    assert (google.client_id, google.client_secret) == ("us", None)
    assert (google.trust_email, google.allow_private) == (False, False)


def test_several_providers_stand_side_by_side_from_files_and_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "BASALT_PROVIDERS__GOOGLE__CLIENT_ID=old\nBASALT_PROVIDERS__GOOGLE__TRUST_EMAIL=on\n"
    )
    other = {
        "PROVIDERS__WORK_2__ISSUER": "https://login.example.org/realms/staff/",
        "PROVIDERS__WORK_2__CLIENT_ID": "us",
        "PROVIDERS__WORK_2__SCOPES": "openid email,groups",
    }
    providers = load(tmp_path, **(GOOGLE | GITHUB | other)).providers
    assert set(providers) == {"google", "github", "work_2"}
    assert (providers["google"].client_id, providers["google"].trust_email) == ("us", True)
    assert providers["work_2"].scopes == ("openid", "email", "groups")
    assert providers["work_2"].issuer.endswith("/staff/")  # compared byte by byte


def test_github_is_known_by_its_name_or_its_issuer(tmp_path: Path) -> None:
    github = load(tmp_path, **GITHUB).providers["github"]
    assert (github.kind, github.issuer) == ("github", "https://github.com")
    assert github.scopes == ("read:user", "user:email")
    own = {name.replace("GITHUB", "HUB"): value for name, value in GITHUB.items()}
    for written in (
        "https://github.com",
        "https://github.com/",
        "https://GitHub.com",
        "https://www.github.com",
        "https://api.github.com/",
        "https://github.com/login/oauth",
    ):
        hub = load(tmp_path, PROVIDERS__HUB__ISSUER=written, **own).providers["hub"]
        assert (hub.kind, hub.issuer) == ("github", "https://github.com")
    enterprise = {"PROVIDERS__HUB__ISSUER": "https://git.example.org", **own}
    assert load(tmp_path, **enterprise, PROVIDERS__HUB__KIND="GitHub").providers["hub"].issuer == (
        "https://git.example.org"
    )


def test_no_clients_secret_shows(tmp_path: Path) -> None:
    settings = load(tmp_path, **GITHUB)
    assert "a secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"PROVIDERS__GOOGLE__ISSUER": "accounts.google.com"}, "PROVIDERS__GOOGLE__ISSUER must be"),
        ({"PROVIDERS__GOOGLE__ISSUER": "http://login.example.org"}, "__ISSUER must be like"),
        ({"PROVIDERS__GOOGLE__ISSUER": "https://a/?x=1"}, "__ISSUER must be like"),
        ({"PROVIDERS__GOOGLE__ISSUER": "https://a/#x"}, "__ISSUER must be like"),
        ({"PROVIDERS__GOOGLE__ISSUER": "https://u:p@a/"}, "__ISSUER must be like"),
        ({"PROVIDERS__GOOGLE__ISSUER": f"https://{'a' * 300}"}, "__ISSUER must be like"),
        ({"PROVIDERS__GOOGLE__ISSUER": ""}, "__ISSUER is empty: it must be like"),
        (
            {"PROVIDERS__GOOGLE__ISSUER": "https://a.example/.well-known/openid-configuration"},
            "GOOGLE__ISSUER must be what stands before /.well-known/openid-configuration",
        ),
        ({"PROVIDERS__GOOGLE__CLIENT_SECRET": "a\nb"}, "__CLIENT_SECRET must be one line"),
        ({"PROVIDERS__GOOGLE__CLIENT_SECRET": "\u00fc"}, "__CLIENT_SECRET must be one line"),
        (
            {"REDIRECT_URIS": ""},
            "PROVIDERS leaves browsers nowhere to return to: set BASALT_REDIRECT_URIS",
        ),
        (
            {"PROVIDERS__G__ISUER": "https://a"},
            "PROVIDERS__G__ISUER is not a setting: did you mean __ISSUER?",
        ),
        (
            {"PROVIDERS__G__COLOUR": "red"},
            "there are __KIND, __ISSUER, __CLIENT_ID, __CLIENT_SECRET, __SCOPES, __TRUST_EMAIL, __",
        ),
        ({"PROVIDERS__GOOGLE__CLIENT_ID": " "}, "PROVIDERS__GOOGLE__CLIENT_ID must be"),
        ({"PROVIDERS__GOOGLE__TRUST_EMAIL": "yes"}, "PROVIDERS__GOOGLE__TRUST_EMAIL must be on"),
        ({"PROVIDERS__GOOGLE__SCOPES": "email"}, "PROVIDERS__GOOGLE needs openid"),
        ({"PROVIDERS__GOOGLE__KIND": "saml"}, "PROVIDERS__GOOGLE__KIND must be"),
        *(
            (
                {"PROVIDERS__GOOGLE__KIND": "oidc", "PROVIDERS__GOOGLE__ISSUER": github},
                "PROVIDERS__GOOGLE is GitHub, which speaks no OpenID Connect: set __KIND=github",
            )
            for github in (
                "https://github.com",
                "https://www.GitHub.com/",
                "https://api.github.com",
            )
        ),
        (
            {"PROVIDERS__GITHUB__CLIENT_ID": "us", "PROVIDERS__GITHUB__KIND": "oidc"},
            "PROVIDERS__GITHUB is GitHub, which speaks no OpenID Connect: set __KIND=github",
        ),
        ({"PROVIDERS__GOOGLE__SECRET": "x"}, "PROVIDERS__GOOGLE__SECRET is not a setting"),
        ({"PROVIDERS__GOOGLE": "x"}, "PROVIDERS__GOOGLE is not a setting"),
        ({"PROVIDERS": "{}"}, "PROVIDERS is not a setting"),
        ({"PROVIDERS____ISSUER": "https://a"}, "is not a setting"),
        ({"PROVIDERS__A__B__ISSUER": "https://a"}, "is not a setting"),
        ({f"PROVIDERS__{'A' * 33}__ISSUER": "https://a"}, "is not a setting"),
        ({"PROVIDERS__OTHER__CLIENT_ID": "us"}, "PROVIDERS__OTHER__ISSUER is required"),
        ({"PROVIDERS__GITHUB__CLIENT_ID": "us"}, "PROVIDERS__GITHUB needs a __CLIENT_SECRET"),
        (
            {
                "PROVIDERS__OTHER__ISSUER": "https://accounts.google.com",
                "PROVIDERS__OTHER__CLIENT_ID": "us",
            },
            "PROVIDERS has one __ISSUER under two names",
        ),
        (
            {
                "PROVIDERS__OTHER__ISSUER": "https://accounts.google.com/",
                "PROVIDERS__OTHER__CLIENT_ID": "us",
            },
            "PROVIDERS has one __ISSUER under two names",
        ),
    ],
)
def test_a_provider_that_is_set_wrongly_refuses_the_start_in_one_line(
    tmp_path: Path, changes: dict[str, str], problem: str
) -> None:
    (line,) = problems(tmp_path, **(GOOGLE | changes))
    assert problem in line


def test_in_production_no_provider_is_asked_in_the_clear(tmp_path: Path) -> None:
    here = GOOGLE | {"PROVIDERS__GOOGLE__ISSUER": "http://127.0.0.1:8080"}
    assert load(tmp_path, **here).providers["google"].issuer == "http://127.0.0.1:8080"
    with pytest.raises(SettingsError, match="GOOGLE__ISSUER without TLS"):
        in_production(tmp_path, **here)


@pytest.mark.parametrize(
    "text",
    [
        "https://app.example.org/signed-in",
        "https://app.example.org",
        "https://app.example.org/?a=1&b=2",
        "http://localhost:5173/back",
        "http://127.0.0.1/",
        "org.example.app:/signed-in",
    ],
)
def test_browsers_may_return_to_pages_and_apps(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, REDIRECT_URIS=f"{text}, {text}").redirect_uris == (text,)


@pytest.mark.parametrize(
    "text",
    ["http://app.example.org/", "javascript:alert(1)", "data:text/html,x", "//app.example.org",
     "/back", "https://", "https://*.example.org/", "https://app.example.org/*",
     "https://app.example.org/#x", "https://u@app.example.org/", "app:/x", "https://a b/",
     "https://app.example.org\\@evil.example", "https://\u00fc.example/", "file:///etc/passwd"],
)  # fmt: skip
def test_nothing_else_is_a_place_to_return_to(tmp_path: Path, text: str) -> None:
    (line,) = problems(tmp_path, REDIRECT_URIS=f"https://app.example.org/,{text}")
    assert line.startswith("BASALT_REDIRECT_URIS must list addresses like")
