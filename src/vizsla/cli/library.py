"""The library: what Python's own standard library says of itself, as passages.

Reads the topics of `pydoc` and the docstrings of public modules, classes and functions. Sources are
parsed and never imported, so nothing runs. Refuses to know what is done with the passages.
"""

import ast
import builtins
import inspect
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from vizsla.core.protocols import Passage
from vizsla.data.cutting import Cutting, cut

_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "encodings"}
_LEFT_OUT |= {"pydoc_data", "ensurepip", "antigravity.py", "this.py", "distutils"}
_CUTTING = Cutting(size=160, overlap=20)
_Spoken = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def read_library() -> Iterator[Passage]:
    """Every passage: topics of the language, built-in names, then module by module."""
    for name, text in chain(_topics(), _built_in(), _modules()):
        pieces = list(cut(inspect.cleandoc(text), _CUTTING))
        for number, (_, piece) in enumerate(pieces, 1):
            yield Passage(f"{name}#{number}" if len(pieces) > 1 else name, piece, name.partition(":")[2])


def _topics() -> Iterable[tuple[str, str]]:
    try:
        from pydoc_data.topics import topics
    except ModuleNotFoundError:  # some systems leave it out of their smallest Python
        return []
    return [(f"topic:{name}", text) for name, text in sorted(topics.items())]


def _built_in() -> Iterable[tuple[str, str]]:
    named = [(name, inspect.getdoc(thing)) for name, thing in sorted(vars(builtins).items()) if name[0] != "_"]
    return [(f"builtin:{name}", text) for name, text in named if text]


def _modules() -> Iterator[tuple[str, str]]:
    root = Path(sysconfig.get_path("stdlib"))
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        private = any(part[0] == "_" and part != "__init__" for part in parts)
        if private or _LEFT_OUT & {*file.relative_to(root).parts}:
            continue
        module = ".".join(part for part in parts if part != "__init__")
        seen = set()
        for name, text in _spoken(_parsed(file), f"python:{module}"):
            if name not in seen:  # a name may be defined twice, for two systems
                seen.add(name)
                yield name, text


def _parsed(file: Path) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old spellings in old modules
        try:
            return ast.parse(file.read_bytes())
        except SyntaxError:  # templates that are no modules
            return ast.Module(body=[], type_ignores=[])


def _spoken(node: _Spoken, name: str) -> Iterator[tuple[str, str]]:
    """What a module or class and the public names in it say."""
    text = ast.get_docstring(node)
    if text:
        yield name, text
    if isinstance(node, ast.Module | ast.ClassDef):
        for inner in node.body:
            if isinstance(inner, _Spoken) and not inner.name.startswith("_"):
                yield from _spoken(inner, f"{name}.{inner.name}")
