"""What no module does, and what every module has."""

import ast
from collections.abc import Iterator

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
LOUD = {"print", "pprint"}
TOO_WIDE = {"Exception", "BaseException"}


def calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.lineno, node.func.id


def caught(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    return {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}


def test_no_module_prints_outside_the_command_line(sources: dict[str, ast.Module]) -> None:
    inside = {file: tree for file, tree in sources.items() if not file.startswith("cli/")}
    found = [f"{file}:{line}" for file, tree in inside.items() for line, name in calls(tree) if name in LOUD]
    assert not found, f"print outside cli: {found}; log to the logger 'vizsla' or return it"


def test_no_handler_catches_everything(sources: dict[str, ast.Module]) -> None:
    found = [
        f"{file}:{node.lineno}"
        for file, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and caught(node) & TOO_WIDE
    ]
    assert not found, f"handlers that catch everything: {found}; name the errors"


def test_nothing_is_left_unwritten(sources: dict[str, ast.Module]) -> None:
    found = [
        f"{file}:{node.lineno}"
        for file, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "NotImplementedError"
    ]
    assert not found, f"NotImplementedError: {found}; growth is a further protocol, not a stub"


def test_no_file_is_named_after_nothing(sources: dict[str, ast.Module]) -> None:
    found = [file for file in sources if FORBIDDEN_NAMES & set(file.removesuffix(".py").split("/"))]
    assert not found, f"files named after nothing: {found}; a file is named by the noun of its one idea"


def test_every_module_says_what_it_knows(sources: dict[str, ast.Module]) -> None:
    found = [file for file, tree in sources.items() if not ast.get_docstring(tree)]
    assert not found, f"modules without a docstring: {found}; say what it knows and what it refuses to know"


def test_a_bare_handler_counts_as_catching_everything() -> None:
    text = "try:\n    f()\nexcept:\n    pass\ntry:\n    f()\nexcept (ValueError, Exception):\n    pass\n"
    handlers = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ExceptHandler)]
    assert [bool(caught(handler) & TOO_WIDE) for handler in handlers] == [True, True]
