"""The norms of size. A failure names every offender and says how the whole stands against the aims."""

import ast
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

FILE_LINES = 400
BODY_LINES = 50
PARAMETERS = 7
PUBLIC_METHODS = 10
CORE_LINES = 1_000

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def body_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def parameters(function: Function) -> int:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    bound = bool(named) and named[0].arg in {"self", "cls"}
    return len(named) - bound + (given.vararg is not None) + (given.kwarg is not None)


def public_methods(one: ast.ClassDef) -> int:
    return sum(isinstance(node, Function) and not node.name.startswith("_") for node in one.body)


def judge(what: str, sizes: dict[str, int], limit: int, aims: str) -> None:
    over = {name: size for name, size in sizes.items() if size > limit}
    assert not over, (
        f"{what}: limit {limit}; over it: {over}. Of {len(sizes)}: median {statistics.median(sizes.values()):.0f}, "
        f"90th percentile {percentile(list(sizes.values()))}; {aims}"
    )


def percentile(sizes: list[int]) -> int:
    return sorted(sizes)[len(sizes) * 9 // 10]


def measured(
    sources: dict[str, ast.Module], parts: Callable[[ast.AST], Iterator[Function]], size: Callable[[Function], int]
) -> dict[str, int]:
    return {f"{file}:{part.lineno} {part.name}": size(part) for file, tree in sources.items() for part in parts(tree)}


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_files_are_short(root: Path, folder: str) -> None:
    files = sorted((root / folder).rglob("*.py"))
    lines = {file.relative_to(root).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    judge("lines of a file", lines, FILE_LINES, "aim: median at most 150")


def test_bodies_are_short(sources: dict[str, ast.Module]) -> None:
    sizes = measured(sources, functions, body_lines)
    judge("lines of a function body", sizes, BODY_LINES, "aim: median at most 10, 90th percentile at most 30")


def test_parameters_are_few(sources: dict[str, ast.Module]) -> None:
    # A command of the command line has as many parameters as it has options.
    inside = {file: tree for file, tree in sources.items() if not file.startswith("cli/")}
    judge(
        "parameters", measured(inside, functions, parameters), PARAMETERS, "aim: at most 5, then a settings dataclass"
    )


def test_classes_have_few_public_methods(sources: dict[str, ast.Module]) -> None:
    sizes = {f"{file} {one.name}": public_methods(one) for file, tree in sources.items() for one in classes(tree)}
    judge("public methods of a class", sizes, PUBLIC_METHODS, "aim: at most 6")


def test_core_stays_small(root: Path) -> None:
    files = (root / "src/vizsla/core").rglob("*.py")
    lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    assert 0 < lines <= CORE_LINES, f"core holds {lines} lines; limit {CORE_LINES}: what is not ground goes upstairs"


def test_the_measures_measure() -> None:
    text = 'class A:\n    def f(self, a, /, b, *c, d=1, **e):\n        """Doc."""\n        x = 1\n\n        return x\n'
    (one,) = classes(ast.parse(text))
    (function,) = functions(one)
    assert (body_lines(function), parameters(function), public_methods(one)) == (3, 5, 1)
    with pytest.raises(AssertionError, match=r"over it: \{'b': 3\}.*median 2"):
        judge("lines", {"a": 1, "b": 3}, 2, "aim: 1")
