"""Every numba kernel stands in one package and is compiled in one way.

`make check` sees to it that no other module imports numba. Threads come from one pool above, so a
kernel releases the lock and never starts threads; sums are made in one order, so none is reordered.
"""

import ast

import pytest

COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc", "generated_jit"}
REORDERING = {"parallel", "fastmath"}


def name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else node.name if isinstance(node, ast.alias) else ""


def compilers(tree: ast.AST) -> list[ast.expr]:
    """The expressions that name a compiler, or its call where it is called."""
    called = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and name(node.func) in COMPILERS]
    inside = {id(call.func) for call in called}
    bare = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute) and name(node) in COMPILERS and id(node) not in inside
    ]
    return [*called, *bare]


def settings(compiler: ast.expr) -> dict[str, object]:
    given = compiler.keywords if isinstance(compiler, ast.Call) else []
    return {word.arg or "**": ast.literal_eval(word.value) for word in given if word.arg}


@pytest.fixture(scope="module")
def kernels(sources: dict[str, ast.Module]) -> dict[str, ast.Module]:
    return {file: tree for file, tree in sources.items() if file.startswith("kernels/")}


def test_one_module_compiles_kernels(sources: dict[str, ast.Module]) -> None:
    assert {file for file, tree in sources.items() if compilers(tree)} == {"kernels/compiling.py"}


def test_every_kernel_releases_the_lock_and_keeps_the_order(kernels: dict[str, ast.Module]) -> None:
    for compiler in compilers(kernels["kernels/compiling.py"]):
        given = settings(compiler)
        where = f"kernels/compiling.py:{compiler.lineno}"
        assert given.get("nogil") is True, f"{where}: found {given}; wanted nogil=True"
        assert not {key for key in REORDERING if given.get(key)}, (
            f"{where}: found {given}; wanted one thread, one order"
        )


def test_every_loop_of_the_other_modules_is_compiled(kernels: dict[str, ast.Module]) -> None:
    loops = [
        (f"{file}:{node.lineno} {node.name}", {name(one) for one in node.decorator_list})
        for file, tree in kernels.items()
        if file != "kernels/compiling.py"
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    ]
    assert loops
    assert not [where for where, decorators in loops if "compiled" not in decorators]


def test_no_kernel_starts_threads(kernels: dict[str, ast.Module]) -> None:
    names = {
        name(node)
        for tree in kernels.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute | ast.alias)
    }
    assert "njit" in names
    assert not names & {"prange", "threading", "ThreadPoolExecutor"}


def test_compilers_are_found_where_they_are_named() -> None:
    tree = ast.parse("@njit\ndef f(): pass\n@numba.jit(nogil=True, fastmath=True)\ndef g(): pass\n")
    found = [settings(one) for one in compilers(tree)]
    assert found == [{"nogil": True, "fastmath": True}, {}]
