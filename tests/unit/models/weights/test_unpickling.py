"""Pickles are data: nothing in one is called, and none takes more memory than its file."""

import os
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest

from vizsla.core.errors import ArtifactError
from vizsla.models.weights.unpickling import Named, Table, read

PATH = Path("evil.pdparams")


class Call:
    """Pickled as a call of anything."""

    def __init__(self, *what: Any) -> None:
        self.what = what

    def __reduce__(self) -> Any:
        return self.what


def opened(content: bytes, **names: Any) -> Any:
    return read(memoryview(content), PATH, Table({f"ours {name}": call for name, call in names.items()}))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_what_they_were(protocol: int) -> None:
    value = {"a": [1, -7, 300, 70_000, 2**40, 1.5, None, True, False], "é" * 300: ("x", ("y",), (1, 2, 3, 4))}
    assert opened(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Call(eval, ("1",)), "eval"),
        (Call(os.system, ("true",)), "system"),
        (Call(getattr, (1, "real")), "getattr"),
        (Call(Path, ("a",)), "PosixPath"),
    ],
)
def test_a_call_of_anything_else_names_the_file_and_the_global(call: Call, named: str, protocol: int) -> None:
    if named == "PosixPath":
        call = Call(type(Path("a")), ("a",))
    with pytest.raises(ArtifactError, match=rf"evil\.pdparams: found the global '[\w.]*{named}'"):
        opened(pickle.dumps({"a": call}, protocol))


def test_a_global_is_called_only_through_its_own_entry() -> None:
    called = b"\x80\x02cours\nf\n(K\x02tR."
    assert opened(called, f=lambda n: n + 1) == 3
    with pytest.raises(ArtifactError, match=r"ours\.g"):
        opened(called.replace(b"\nf\n", b"\ng\n"), f=lambda n: n)
    with pytest.raises(ArtifactError, match="a call of a type"):
        opened(called, f=Named("a type"))
    with pytest.raises(ArtifactError, match="a call of no known global"):
        opened(b"\x80\x02K\x01)R.")


@pytest.mark.parametrize("opcode", [b"i", b"o", b"\x81", b"\x92", b"P", b"\x82", b"\x97", b"\xff", b"I"])
def test_other_opcodes_are_refused(opcode: bytes) -> None:
    with pytest.raises(ArtifactError, match="the opcode"):
        opened(b"\x80\x02" + opcode + b"1\n.")


def test_every_cut_of_a_pickle_is_refused() -> None:
    whole = pickle.dumps({"a": [1, "b" * 300], "c": (2, 3)}, 4)
    for end in range(len(whole)):
        with pytest.raises(ArtifactError, match=r"evil\.pdparams"):
            opened(whole[:end])


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02B" + struct.pack("<I", 2**32 - 1) + b"x.",
        b"\x80\x04\x8e" + struct.pack("<Q", 10 * 2**30) + b"x.",
        b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b"x.",
        b"\x80\x02T" + struct.pack("<i", -5) + b"x.",
        b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b".",
    ],
)
def test_sizes_that_the_file_does_not_hold_are_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"evil\.pdparams: found"):
        opened(content)


def test_a_far_place_in_the_memo_takes_no_memory() -> None:
    assert opened(b"\x80\x02K\x01r" + struct.pack("<I", 2**32 - 1) + b".") == 1


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02t.",
        b"\x80\x02(.",
        b"\x80\x02K\x01a.",
        b"\x80\x02h\x05.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02K\x01K\x02b.",
        b"\x80\x02.",
        b"\x80\x02](K\x01K\x02u.",
    ],
)
def test_stacks_that_do_not_fit_are_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError):
        opened(content)


def test_names_are_texts_so_that_nothing_is_hashed_in_depth() -> None:
    deep = b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s."
    with pytest.raises(ArtifactError, match="items that are no names"):
        opened(deep)


def test_a_pickle_of_too_many_steps_is_refused() -> None:
    with pytest.raises(ArtifactError, match="more than"):
        opened(b"\x80\x02" + b"}0" * 1_000_001 + b"N.")


def test_references_elsewhere_are_refused_without_a_reader_for_them() -> None:
    with pytest.raises(ArtifactError, match="a reference to elsewhere"):
        opened(b"\x80\x02K\x01Q.")
