"""Pickles read as data: the opcodes that hold numbers, texts and containers, and calls from a given table.

Not Python's own unpickler, so that nothing in a file can reach a class, a function or a module: a global is looked
up in the reader's table and only those of our own functions are called. Knows protocols 2 to 5; refuses
everything else, and names it. Source: the opcodes of Python's `pickletools`.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from vizsla.core.errors import ArtifactError

Call: TypeAlias = Callable[..., Any]
_MOST_STEPS = 2_000_000
_LONGEST_NUMBER = 32
_MARK = object()
_STOP = b"."


@dataclass(slots=True)
class Pending:
    """What a call left to be filled by the state that follows it."""

    fill: Callable[[Any], Any]
    value: Any = None


@dataclass(frozen=True, slots=True)
class Named:
    """A global that is not called: a type's name as an argument."""

    name: str


@dataclass(frozen=True)
class Table:
    """What a pickle may name, and what it may refer to.

    Attributes:
        globals: "module name" to our own function, or to a `Named`.
        persistent: what a persistent id stands for.
    """

    globals: Mapping[str, Call | Named]
    persistent: Call | None = None


@dataclass(slots=True)
class Machine:
    """One pickle's stack machine over bytes that are not copied.

    Attributes:
        content: the file.
        path: where it was read, for messages of errors.
        table: what it may name.
        at: the next byte.
    """

    content: memoryview
    path: Path
    table: Table
    at: int = 0
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self) -> Any:
        """The one value that the pickle holds.

        Raises:
            ArtifactError: cut short, an opcode or a global that is not read, or a stack that does not fit.
        """
        for _ in range(_MOST_STEPS):
            code = bytes(self.take(1))
            if code == _STOP:
                return self._pop()
            step = _STEPS.get(code)
            if step is None:
                raise self.refused(f"the opcode {code!r} at byte {self.at - 1}", "one of a weights file")
            try:
                step(self)
            except (IndexError, KeyError, TypeError, ValueError, AttributeError, struct.error) as error:
                raise self.refused(f"{type(error).__name__} ({error}) at byte {self.at}", "a whole pickle") from error
        raise self.refused(f"more than {_MOST_STEPS} opcodes", "the few of a weights file")

    def refused(self, found: str, wanted: str) -> ArtifactError:
        """The error for what is not read."""
        return ArtifactError(f"{self.path}: found {found}; wanted {wanted}: nothing of it was run, fetch it again")

    def take(self, size: int) -> memoryview:
        """The next bytes.

        Raises:
            ArtifactError: there are fewer.
        """
        if size < 0 or size > len(self.content) - self.at:
            found = f"{len(self.content) - self.at} bytes at byte {self.at}"
            raise self.refused(f"{found}, cut short", f"{size}")
        self.at += size
        return self.content[self.at - size : self.at]

    def number(self, layout: str) -> int:
        """The next number of a `struct` layout."""
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def line(self) -> str:
        """The next line of text."""
        ends = bytes(self.content[self.at : self.at + 1_000]).find(b"\n")
        if ends < 0:
            raise self.refused(f"a name without end at byte {self.at}", "a whole pickle")
        return str(self.take(ends + 1)[:-1], "utf-8")

    def _pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise self.refused(f"no value at byte {self.at}", "a whole pickle")
        return self.stack.pop()

    def _pop_mark(self) -> list[Any]:
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise self.refused(f"no mark at byte {self.at}", "a whole pickle")

    def _tuple(self, size: int) -> None:
        values = tuple([self._pop() for _ in range(size)][::-1])
        self.stack.append(values)

    def _global(self, module: str, name: str) -> None:
        wanted = f"{module} {name}"
        if wanted not in self.table.globals:
            raise self.refused(f"the global '{module}.{name}'"[:300], "only those of a weights file")
        self.stack.append(self.table.globals[wanted])

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise self.refused(f"a global without a name at byte {self.at}", "a whole pickle")
        self._global(module, name)

    def _reduce(self) -> None:
        arguments, call = self._pop(), self._pop()
        if not isinstance(arguments, tuple) or not any(call is known for known in self.table.globals.values()):
            raise self.refused(f"a call of no known global at byte {self.at}", "only those of a weights file")
        if isinstance(call, Named):
            raise self.refused(f"a call of {call.name} at byte {self.at}", "only those of a weights file")
        self.stack.append(call(*arguments))

    def _build(self) -> None:
        state = self._pop()
        target = self.stack[-1]
        if isinstance(target, Pending):
            target.value = target.fill(state)
        elif not isinstance(target, dict):  # a dict's own attributes (torch's _metadata) are not weights
            raise self.refused(f"a state for a {type(target).__name__} at byte {self.at}", "one for an array")

    def _set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        keys = values[::2]
        if not isinstance(target, dict) or len(values) % 2 or not all(type(key) in (str, int) for key in keys):
            raise self.refused(f"items that are no names at byte {self.at}", "names of weights")
        target.update(zip(keys, values[1::2], strict=True))

    def _append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise self.refused(f"an item for a {type(target).__name__} at byte {self.at}", "a list")
        target.extend(values)

    def _persistent(self) -> None:
        if self.table.persistent is None:
            raise self.refused(f"a reference to elsewhere at byte {self.at}", "a file that stands alone")
        self.stack.append(self.table.persistent(self._pop()))

    def _long(self) -> None:
        size = self.number("<B")
        if size > _LONGEST_NUMBER:
            raise self.refused(f"a number of {size} bytes", f"at most {_LONGEST_NUMBER}")
        self.stack.append(int.from_bytes(self.take(size), "little", signed=True))

    def _text(self, layout: str, encoding: str = "utf-8") -> None:
        self.stack.append(str(self.take(self.number(layout)), encoding))

    def _bytes(self, layout: str) -> None:
        self.stack.append(self.take(self.number(layout)))

    def _put(self, layout: str) -> None:
        self.memo[self.number(layout)] = self.stack[-1]


_Step: TypeAlias = Callable[[Machine], object]
_STEPS: dict[bytes, _Step] = {
    b"\x80": lambda self: self.take(1),  # the protocol
    b"\x95": lambda self: self.take(8),  # a frame's size
    b"(": lambda self: self.stack.append(_MARK),
    b"0": lambda self: self._pop(),
    b"N": lambda self: self.stack.append(None),
    b"\x88": lambda self: self.stack.append(True),
    b"\x89": lambda self: self.stack.append(False),
    b"J": lambda self: self.stack.append(self.number("<i")),
    b"K": lambda self: self.stack.append(self.number("<B")),
    b"M": lambda self: self.stack.append(self.number("<H")),
    b"\x8a": lambda self: self._long(),
    b"G": lambda self: self.stack.append(self.number(">d")),
    b"X": lambda self: self._text("<I"),
    b"\x8c": lambda self: self._text("<B"),
    b"\x8d": lambda self: self._text("<Q"),
    b"U": lambda self: self._text("<B", "latin1"),  # Python 2's bytes
    b"T": lambda self: self._text("<i", "latin1"),
    b"B": lambda self: self._bytes("<I"),
    b"C": lambda self: self._bytes("<B"),
    b"\x8e": lambda self: self._bytes("<Q"),
    b"\x96": lambda self: self._bytes("<Q"),
    b"]": lambda self: self.stack.append([]),
    b"}": lambda self: self.stack.append({}),
    b")": lambda self: self.stack.append(()),
    b"t": lambda self: self.stack.append(tuple(self._pop_mark())),
    b"\x85": lambda self: self._tuple(1),
    b"\x86": lambda self: self._tuple(2),
    b"\x87": lambda self: self._tuple(3),
    b"a": lambda self: self._append([self._pop()]),
    b"e": lambda self: self._append(self._pop_mark()),
    b"s": lambda self: self._set_items([self._pop(), self._pop()][::-1]),
    b"u": lambda self: self._set_items(self._pop_mark()),
    b"q": lambda self: self._put("<B"),
    b"r": lambda self: self._put("<I"),
    b"\x94": lambda self: self.memo.__setitem__(len(self.memo), self.stack[-1]),
    b"h": lambda self: self.stack.append(self.memo[self.number("<B")]),
    b"j": lambda self: self.stack.append(self.memo[self.number("<I")]),
    b"c": lambda self: self._global(self.line(), self.line()),
    b"\x93": lambda self: self._stack_global(),
    b"R": lambda self: self._reduce(),
    b"b": lambda self: self._build(),
    b"Q": lambda self: self._persistent(),
}


def read(content: memoryview, path: Path, table: Table) -> Any:
    """The value of one pickle, with nothing called but what the table holds.

    Raises:
        ArtifactError: see `Machine.run`.
    """
    return Machine(content, path, table).run()
