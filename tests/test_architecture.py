"""The rules of the layout, checked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for package in ("archiver", "replay") for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(tree: ast.AST, *, inside_functions: bool) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(node, inside_functions=inside_functions)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", [path for path in FILES if "archiver" in path.parts], ids=module_name)
def test_archiver_knows_nothing_of_the_web_server(path: Path) -> None:
    roots = {name.partition(".")[0] for name in imports(parse(path), inside_functions=True)}
    assert not roots & {"replay", "flask", "jinja2", "werkzeug", "granian"}


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "__init__.py"], ids=module_name)
def test_package_files_hold_only_their_docstring(path: Path) -> None:
    assert len(parse(path).body) <= 1


@pytest.mark.parametrize("path", [path for path in FILES if "cli" not in path.parts and path.stem != "cli"], ids=module_name)
def test_only_the_command_line_prints_or_exits(path: Path) -> None:
    calls = [node.func for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
    names = {call.id for call in calls if isinstance(call, ast.Name)}
    attributes = {
        f"{call.value.id}.{call.attr}" for call in calls if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name)
    }
    assert not names & {"print", "exit", "quit"}
    assert not attributes & {"sys.exit", "os._exit", "click.echo"}


#: What only the command line comes to; and the one thing that nobody may do in a browser.
_OF_COMMANDS = {
    "archiver.rebuild", "archiver.export.output", "archiver.index.remote", "archiver.index.attaching",
    "archiver.collections.accessfiles", "replay.workbench.schedule_pages",
}  # fmt: skip


def test_errors_that_browsers_show_name_no_commands() -> None:
    """What is to be done in a terminal is `command`, beside the advice that holds everywhere."""
    told = []
    for path in FILES:
        name = module_name(path)
        if name in _OF_COMMANDS or "cli" in name.split("."):
            continue
        for node in ast.walk(parse(path)):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            texts = [ast.unparse(argument) for argument in node.exc.args]
            told += [f"{name}: {text}" for text in texts[:2] if re.search(r"muniment [a-z]|(?<![\w-])--[a-z]", text)]
    assert [text for text in told if "--trap" not in text and "_header_text" not in text] == []


def test_no_import_cycle() -> None:
    modules = {module_name(path): path for path in FILES}
    graph = {
        name: {target for target in imports(parse(path), inside_functions=False) if target in modules and target != name}
        for name, path in modules.items()
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' → '.join(error.args[1])}")
