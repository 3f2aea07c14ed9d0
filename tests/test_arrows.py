"""Proves that the packages depend on each other in the directions of ARCHITECTURE.md, and that nothing goes in circles.

Imports are read from the source, those inside functions and for types alone included.
"""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("otlpd", "receiver", "storage", "query", "exporter")

CONTRACT = (
    "storage.contract",
    "storage.agents_contract",
    "storage.export_contract",
    "storage.pages",
    "storage.pictures_contract",
    "storage.errors",
    "storage.batch",
    "storage.rows",
    "storage.histogram",
)

# What a package may import of the others: these modules and what lies in them.
ARROWS: dict[str, tuple[str, ...]] = {
    "otlpd": PACKAGES,
    "receiver": CONTRACT,
    "query": CONTRACT,
    "exporter": CONTRACT,
    "storage": (),
}

# Inside storage: the contract knows no engine.
INNER_ARROWS: dict[str, tuple[str, ...]] = {
    "storage.contract": (
        "storage.agents_contract",
        "storage.pages",
        "storage.pictures_contract",
        "storage.batch",
        "storage.errors",
        "storage.histogram",
    ),
    "storage.agents_contract": ("storage.pages",),
    "storage.pages": (),
    "storage.pictures_contract": ("storage.pages",),
    "storage.errors": (),
    "storage.batch": (),
    "storage.histogram": (),
    "storage.rows": (*CONTRACT, "storage.facts"),
    "storage.facts": (*CONTRACT, "storage.facts"),
}

# Inside the engine: what each of its rooms imports of the others.
ENGINE_ARROWS: dict[str, tuple[str, ...]] = {
    "storage.sqlite.facts": (),
    "storage.sqlite.reading": ("storage.sqlite.facts",),
    "storage.sqlite.writing": ("storage.sqlite.facts",),
    "storage.sqlite.upkeep": ("storage.sqlite.facts", "storage.sqlite.writing"),
}


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def type_only(tree: ast.Module) -> set[ast.AST]:
    """The imports under `if TYPE_CHECKING`, which never run."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")]
    return {inner for block in blocks for statement in block.body for inner in ast.walk(statement)}


def imports(name: str, *, running: bool = False) -> set[str]:
    """The modules of ours that a module imports; with `running` without those for types alone."""
    tree = tree_of(name)
    skipped = type_only(tree) if running else set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            module = node.module or ""
            submodules = {f"{module}.{alias.name}" for alias in node.names} & MODULES.keys()
            # `from package import module` runs the package as well, but only its names are meant by the others.
            found.update(submodules)
            if len(submodules) < len(node.names):
                found.add(module)
    return {one for one in found if one.split(".")[0] in PACKAGES}


def lies_in(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_its_arrows_allow(package: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        if lies_in(name, (package,))
        for imported in imports(name)
        if not lies_in(imported, (package, *ARROWS[package]))
    ]
    assert wrong == []


@pytest.mark.parametrize("part", INNER_ARROWS)
def test_the_contract_knows_no_engine(part: str) -> None:
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        if lies_in(name, (part,))
        for imported in imports(name)
        if not lies_in(imported, (part, *INNER_ARROWS[part]))
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ENGINE_ARROWS)
def test_a_room_of_the_engine_imports_only_what_its_arrows_allow(room: str) -> None:
    others = tuple(one for one in ENGINE_ARROWS if one != room)
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        if lies_in(name, (room,))
        for imported in imports(name)
        if lies_in(imported, others) and not lies_in(imported, ENGINE_ARROWS[room])
    ]
    assert wrong == []


def test_nobody_imports_otlpd() -> None:
    assert [
        name for name in MODULES if not lies_in(name, ("otlpd",)) and any(lies_in(one, ("otlpd",)) for one in imports(name))
    ] == []


def test_imports_that_run_make_no_circle() -> None:
    """Depth first; a module met again while it is still being looked at closes a circle, which is then shown."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path[path.index(name) :], name))
        if name in done:
            return
        for imported in sorted(imports(name, running=True) & MODULES.keys()):
            visit(imported, (*path, name))
        done.add(name)

    for name in MODULES:
        visit(name, ())
    assert done == set(MODULES)


def test_only_one_module_opens_the_database() -> None:
    """`sqlite3.connect` lies in storage/sqlite/connect.py, where every connection gets its settings and its limits."""
    found = [
        name
        for name in MODULES
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Attribute) and node.attr == "connect" and ast.unparse(node.value) == "sqlite3"
    ]
    assert set(found) == {"storage.sqlite.connect"}


def test_statements_of_sql_lie_in_sql_files() -> None:
    """No text in Python begins like a statement: SQL is looked up by name."""
    begins = re.compile(
        r"\s*(select |insert |update \w+ set |delete from |create table|create index|pragma |with recursive)", re.IGNORECASE
    )
    found = [
        f"{name}: {node.value[:60]}"
        for name in MODULES
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and begins.match(node.value)
    ]
    assert found == []


def test_the_package_lists_every_folder_with_code() -> None:
    """What pyproject.toml forgets would be missing from what is installed."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {
        ".".join(path.relative_to(ROOT).parts) for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_dir()
    }
    with_code = {folder for folder in folders if list((ROOT / folder.replace(".", "/")).glob("*.py"))}
    tops = {package for package in PACKAGES if (ROOT / package / "__init__.py").exists()}
    assert (with_code | tops) - set(listed) == set()
