"""A rule that never refuses is no rule: each is broken here once, in a small tree of its own.

The tree has the rooms of the real one and is judged by the real pyproject.toml. First it is clean,
and every tool is content. Then every rule is broken at once, and every one must name its breach.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {each["id"]: each["name"] for each in PROJECT["tool"]["importlinter"]["contracts"]}
BANNED = PROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]

# Who imports what in the clean tree: everything that is allowed and easily forbidden by mistake.
CLEAN: Mapping[str, tuple[str, ...]] = {
    "domain.item": ("dataclasses", "datetime"),
    "application.ports": ("typing", "domain.item"),
    "application.items": ("application.ports", "domain.item"),
    "adapters.clock": ("application.ports",),
    "adapters.identity.oidc": ("authlib", "httpcore", "httpx", "joserfc", "application.ports"),
    "adapters.memory.items": ("application.ports", "domain.item"),
    "adapters.persistence.items": ("alembic", "psycopg", "sqlalchemy", "sqlmodel"),
    "adapters.security.passwords": ("argon2", "cryptography", "joserfc", "application.ports"),
    "adapters.security.authenticator_apps": ("pyotp", "segno"),
    "entrypoints.settings": ("pydantic_settings",),
    "entrypoints.container": (
        "dependency_injector",
        "adapters.persistence.items",
        "adapters.security.passwords",
        "application.items",
        "entrypoints.settings",
    ),
    "entrypoints.http.items": ("fastapi", "starlette", "application.items", "domain.item"),
    "entrypoints.http.app": ("entrypoints.http.items", "entrypoints.container"),
    "entrypoints.cli.main": ("typer", "uvicorn", "entrypoints.http.app", "entrypoints.container"),
    "tests.domain.test_item": ("pytest", "hypothesis", "domain.item"),
    "tests.application.test_items": ("pytest", "application.items", "adapters.memory.items"),
    "tests.adapters.test_items": ("pytest", "sqlmodel", "adapters.memory", "adapters.persistence"),
    "tests.entrypoints.test_items": ("httpx", "entrypoints.http.app", "adapters.memory.items"),
    "tests.black_box.test_items": ("httpx",),
    "tests.benchmarks.scale": ("sqlalchemy", "adapters.persistence"),
    "tests.postgresql": ("psycopg",),
    "tests.provider": ("httpx", "joserfc"),
    "tests.test_postgresql": ("tests.postgresql",),
}

# contract: (importer, imported), ...
BREACHES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "inward": (
        ("domain.item", "application.ports"),
        ("application.items", "adapters.clock"),
        ("adapters.clock", "entrypoints.settings"),
        ("entrypoints.settings", "tests.postgresql"),
    ),
    "pure": (
        ("domain.item", "pydantic"),
        ("application.ports", "sqlmodel"),
        ("adapters.memory.items", "anyio"),
        ("tests.domain.test_item", "fastapi"),
        ("tests.application.test_items", "sqlalchemy"),
    ),
    "timeless": (
        ("domain.item", "time"),
        ("domain.item", "os"),
        ("application.items", "json"),
        ("application.items", "secrets"),
    ),
    "tools": (("adapters.clock", "hypothesis"), ("entrypoints.http.items", "pytest")),
    "strangers": (
        ("adapters.clock", "adapters.memory.items"),
        ("adapters.security.passwords", "adapters.persistence.items"),
    ),
    "wiring": (
        ("entrypoints.http.items", "adapters.persistence.items"),
        ("entrypoints.cli.main", "adapters.security.passwords"),
        ("entrypoints.settings", "adapters.clock"),
        ("tests.application.test_items", "adapters.persistence.items"),
        ("tests.entrypoints.test_items", "adapters.security.passwords"),
    ),
    "entrances": (
        ("entrypoints.settings", "entrypoints.container"),
        ("entrypoints.container", "entrypoints.http.items"),
        ("entrypoints.http.app", "entrypoints.cli.main"),
    ),
    "rows": (
        ("entrypoints.http.items", "sqlmodel"),
        ("entrypoints.container", "sqlalchemy"),
        ("adapters.security.passwords", "psycopg"),
        ("entrypoints.cli.main", "alembic"),
    ),
    "keys": (
        ("entrypoints.http.items", "joserfc"),
        ("entrypoints.settings", "cryptography"),
        ("adapters.persistence.items", "argon2"),
    ),
    "codes": (("entrypoints.http.items", "pyotp"), ("adapters.persistence.items", "segno")),
    "outside": (
        ("adapters.security.passwords", "httpx"),
        ("entrypoints.http.items", "httpx"),
        ("entrypoints.container", "authlib"),
    ),
    "http": (("adapters.security.passwords", "fastapi"), ("entrypoints.container", "starlette")),
    "cli": (("entrypoints.http.app", "uvicorn"), ("entrypoints.http.app", "typer")),
    "settings": (("adapters.clock", "pydantic_settings"),),
    "container": (("entrypoints.http.app", "dependency_injector"),),
    "tests-domain": (
        ("tests.domain.test_item", "application.items"),
        ("tests.domain.test_item", "adapters.memory.items"),
    ),
    "tests-inward": (
        ("tests.application.test_items", "entrypoints.settings"),
        ("tests.adapters.test_items", "entrypoints.container"),
    ),
    "tests-outside": (("tests.black_box.test_items", "domain.item"),),
}

# What a file says, where it stands, and the rule that it breaks.
LINES = (
    ("domain/item.py", "from os import environ", "TID251"),
    *(
        ("adapters/memory/items.py", f"import {name.split('.')[0]}\n{name}", "TID251")
        for name in BANNED
    ),
    ("tests/domain/test_item.py", "import datetime\ndatetime.datetime.now()", "TID251"),
    ("domain/item.py", "from . import access", "TID252"),
    ("application/items.py", "def create() -> None: ...", "D103"),
    ("application/ports.py", "class Items: ...", "D101"),
    ("domain/item.py", "def _create(owner): ...", "ANN001"),
    ("domain/item.py", "assert 1", "S101"),
    ("entrypoints/http/app.py", "print()", "T201"),
    ("entrypoints/http/app.py", "try:\n    pass\nexcept Exception:\n    pass", "BLE001"),
    ("adapters/clock.py", "import datetime\ndatetime.datetime.now()", "DTZ005"),
    ("adapters/persistence/items.py", "def _f() -> None:\n    import json", "PLC0415"),
)
ALLOWED = (
    ("entrypoints/settings.py", "import os\nos.environ", "TID251"),
    ("adapters/clock.py", "import datetime\ndatetime.datetime.now(datetime.UTC)", "TID251"),
    ("tests/domain/test_item.py", "def test_it() -> None:\n    assert 1", "S101"),
    ("entrypoints/cli/main.py", "print()", "T201"),
    ("entrypoints/container.py", "def _f() -> None:\n    import json", "PLC0415"),
)

WRONG = """
from typing import Protocol

class Items(Protocol):
    def find(self, name: str) -> str: ...

class SqlItems(Items):
    def find(self, name: int) -> str:
        return 1  # type: SILENCED

def untyped(name): ...
""".replace("SILENCED", "ignore")  # planted: no line of this file is silenced without a code


@dataclass(frozen=True, slots=True)
class Verdict:
    """What lint-imports says of a tree: its exit code, and its words about each contract."""

    code: int
    words: str

    def about(self, contract: str) -> str:
        """Return the paragraph in which a contract's breaches are listed."""
        name = re.escape(CONTRACTS[contract])
        found = re.search(
            rf"^{name}\n-+\n(.*?)(?=^[^\n]+\n-{{5,}}\n|\Z)", self.words, re.MULTILINE | re.DOTALL
        )
        return found[1] if found else ""


def grow(tree: Path, imports: Mapping[str, tuple[str, ...]]) -> None:
    shutil.copy(ROOT / "pyproject.toml", tree)
    for module, imported in imports.items():
        file = tree.joinpath(*module.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"import {name}\n" for name in imported))
    for folder in [each for each in tree.rglob("*") if each.is_dir()]:
        (folder / "__init__.py").touch()


def run(tree: Path, tool: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name(tool), *arguments],
        cwd=tree,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def judge(tree: Path) -> Verdict:
    done = run(tree, "lint-imports", "--no-logo", "--no-cache")
    return Verdict(done.returncode, done.stdout + done.stderr)


def ruff(tree: Path, file: str, text: str) -> dict[str, str]:
    place = f"--stdin-filename={file}"
    done = run(tree, "ruff", "check", "--no-cache", "--output-format=json", place, "-", text=text)
    return {found["code"]: found["message"] for found in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("clean")
    grow(tree, CLEAN)
    return tree


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    tree = tmp_path_factory.mktemp("broken")
    imports = dict(CLEAN)
    for breaches in BREACHES.values():
        for importer, imported in breaches:
            imports[importer] += (imported,)
    grow(tree, imports)
    return judge(tree)


def test_a_clean_tree_keeps_every_contract(clean: Path) -> None:
    verdict = judge(clean)
    assert verdict.code == 0, verdict.words
    assert f"{len(CONTRACTS)} kept, 0 broken" in verdict.words


def test_every_contract_is_broken_here() -> None:
    assert set(BREACHES) == set(CONTRACTS)


@pytest.mark.parametrize(
    ("contract", "importer", "imported"),
    [(contract, *breach) for contract, breaches in BREACHES.items() for breach in breaches],
)
def test_a_contract_names_its_breach(
    broken: Verdict, contract: str, importer: str, imported: str
) -> None:
    assert broken.code == 1
    assert f"{importer} -> {imported} (l." in broken.about(contract)


def test_the_pure_rooms_are_closed_to_everything_that_is_installed() -> None:
    locked = set(
        re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    installed = {
        module
        for module, distributions in packages_distributions().items()
        if any(re.sub(r"[-_.]+", "-", name).lower() in locked for name in distributions)
    }
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    closed = next(set(each["forbidden_modules"]) for each in contracts if each["id"] == "pure")
    assert installed <= closed


@pytest.mark.parametrize(("file", "text", "rule"), LINES)
def test_a_forbidden_line_is_refused(clean: Path, file: str, text: str, rule: str) -> None:
    assert rule in ruff(clean, file, text)


@pytest.mark.parametrize(("file", "text", "rule"), ALLOWED)
def test_the_same_line_is_accepted_where_it_belongs(
    clean: Path, file: str, text: str, rule: str
) -> None:
    assert rule not in ruff(clean, file, text)


def test_an_adapter_that_breaks_its_ports_promise_is_refused(clean: Path) -> None:
    (clean / "adapters" / "wrong.py").write_text(WRONG)
    words = run(clean, "mypy", "--cache-dir", os.devnull, "adapters/wrong.py").stdout
    for code in ("override", "no-untyped-def", "ignore-without-code"):
        assert f"[{code}]" in words
