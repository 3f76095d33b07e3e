"""Every numba kernel stands in one module and is compiled in one way.

`make check` sees to it that no other module imports numba. Threads come from one pool above, so a
kernel releases the lock and never starts threads; sums are made in one order, so none is reordered.
"""

import ast

COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc", "generated_jit"}
REORDERING = {"parallel", "fastmath"}


def name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


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


def test_the_one_module_compiles_kernels(sources: dict[str, ast.Module]) -> None:
    assert compilers(sources["kernels.py"])


def test_every_kernel_releases_the_lock_and_keeps_the_order(sources: dict[str, ast.Module]) -> None:
    for compiler in compilers(sources["kernels.py"]):
        given = settings(compiler)
        where = f"kernels.py:{compiler.lineno}"
        assert given.get("nogil") is True, f"{where}: found {given}; wanted nogil=True"
        assert not {key for key in REORDERING if given.get(key)}, (
            f"{where}: found {given}; wanted one thread, one order"
        )


def test_no_kernel_starts_threads(sources: dict[str, ast.Module]) -> None:
    names = {name(node) for node in ast.walk(sources["kernels.py"]) if isinstance(node, ast.Name | ast.Attribute)}
    assert "prange" not in names
