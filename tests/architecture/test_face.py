"""The public face: few names, each explained, and light until used."""

import importlib
import inspect
import subprocess
import sys

import pytest

NAMES = 16
IMPORT_S = 0.3
TRIES = 5
HEAVY = {
    "faiss", "ir_measures", "llvmlite", "numba", "onnxruntime", "opencc", "pytrec_eval", "rich", "rjieba", "scipy",
    "sentence_transformers", "torch", "transformers", "typer",
}  # fmt: skip
CLOCK = "import time; start = time.perf_counter(); import vizsla; print(time.perf_counter() - start)"
LOADED = "import sys, vizsla; print(*{name.partition('.')[0] for name in sys.modules})"
face = importlib.import_module("vizsla")


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_face_has_few_names() -> None:
    assert 0 < len(face.__all__) <= NAMES
    assert len(set(face.__all__)) == len(face.__all__)


@pytest.mark.parametrize("name", getattr(face, "__all__", []))
def test_every_name_of_the_face_explains_itself(name: str) -> None:
    thing = getattr(face, name)
    if inspect.isclass(thing) or callable(thing):
        own = vars(thing).get("__doc__") if inspect.isclass(thing) else inspect.getdoc(thing)
        assert own, f"vizsla.{name} has no docstring"
        # A dataclass without a docstring is given its signature.
        assert not own.startswith(f"{name}("), f"vizsla.{name} has no docstring"


def test_a_public_method_of_the_face_explains_itself() -> None:
    classes = [thing for name in face.__all__ if inspect.isclass(thing := getattr(face, name))]
    silent = [
        f"{one.__name__}.{name}"
        for one in classes
        for name, member in vars(one).items()
        if not name.startswith("_") and inspect.isroutine(member) and not inspect.getdoc(member)
    ]
    assert not silent, f"public methods without a docstring: {silent}"


def test_the_face_lists_what_it_offers() -> None:
    assert set(face.__all__) <= set(dir(face))


def test_a_name_the_face_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = face.no_such_name


def test_importing_is_quick() -> None:
    # Best of several: a busy machine slows some of the tries, a heavy import slows them all.
    best = min(float(run(CLOCK)) for _ in range(TRIES))
    assert best <= IMPORT_S, f"import vizsla took {best:.3f} s at best of {TRIES}; wanted {IMPORT_S} s"


def test_importing_loads_nothing_heavy() -> None:
    loaded = set(run(LOADED).split())
    assert "vizsla" in loaded
    assert not loaded & HEAVY, f"import vizsla loads {sorted(loaded & HEAVY)}; import them where they are used"
