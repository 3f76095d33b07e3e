"""What no tracked file says: places of one machine, hosts of package registries, tools that wrote it."""

from pathlib import Path

# In halves, so that this file does not find itself.
HALVES = [
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("/tmp/bash", "_jobs"),
    ("pypi.", "org"),
    ("files.python", "hosted"),
    ("registry.npm", "js"),
    ("deb.deb", "ian.org"),
    ("proxy.go", "lang"),
    ("clau", "de"),
    ("anthro", "pic"),
    ("chat", "gpt"),
    ("co-authored", "-by"),
    ("this ", "session"),
    ("sub", "agent"),
]
BANNED = [first + second for first, second in HALVES]


def mentions(content: bytes) -> list[str]:
    text = content.lower()
    return [banned for banned in BANNED if banned.encode() in text]


def test_no_file_names_a_machine_a_registry_or_a_tool(root: Path, tracked: list[Path]) -> None:
    found = {path.relative_to(root).as_posix(): said for path in tracked if (said := mentions(path.read_bytes()))}
    assert not found, f"found {found}; wanted a file that is as true on any machine"


def test_nothing_large_is_tracked(root: Path, tracked: list[Path]) -> None:
    large = [path.relative_to(root).as_posix() for path in tracked if path.stat().st_size > 1 << 20]
    assert not large, f"files over 1 MiB: {large}"


def test_mentions_are_found() -> None:
    assert mentions(b"see /Wo" + b"rk/main and PyPI." + b"org") == [BANNED[0], BANNED[3]]
