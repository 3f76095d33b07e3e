import logging
import os
import sys
from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.cutting import Cutting
from vizsla.data.formats import folder
from vizsla.data.formats.trec import RunLine, write_run
from vizsla.data.problems import Problems


def read(path: Path, **cutting: int) -> tuple[list[Passage], dict[str, int]]:
    problems = Problems()
    found = folder.read_passages(path, cutting=Cutting(**cutting) if cutting else None, problems=problems)
    return [one for one, _ in found], problems.counts


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_files_are_read_sorted_and_titled_by_their_headings(tmp_path: Path) -> None:
    put(tmp_path / "z.txt", "last\r\nline")
    put(tmp_path / "a" / "b.md", "intro\n# A\none\n## B\ntwo three")
    put(tmp_path / "a" / "a.HTML", "<h1>H</h1>x")
    put(tmp_path / "b" / "c.htm", "y")
    put(tmp_path / "b" / "picture.png", "not read")
    found, counts = read(tmp_path)
    assert found == [
        Passage("z.txt#0", "last\nline", title="z"),
        Passage("a/a.HTML#0", "x", title="H"),
        Passage("a/b.md#0", "intro", title="b"),
        Passage("a/b.md#1", "one", title="A"),
        Passage("a/b.md#2", "two three", title="A > B"),
        Passage("b/c.htm#0", "y", title="c"),
    ]
    assert counts == {}


def test_long_sections_are_cut_and_numbered_through(tmp_path: Path) -> None:
    put(tmp_path / "a.md", "# A\none two three four\n# B\nfive")
    assert [(one.id, one.title, one.text) for one in read(tmp_path, size=3, overlap=1)[0]] == [
        ("a.md#0", "A", "one two three"),
        ("a.md#1", "A", "three four"),
        ("a.md#2", "B", "five"),
    ]


def test_places_name_the_section(tmp_path: Path) -> None:
    path = put(tmp_path / "a.md", "# A\none\n\n# B\ntwo")
    found = folder.read_passages(tmp_path, problems=Problems())
    assert [where for _, where in found] == [f"{path}:1", f"{path}:4"]


def test_ids_are_one_word_and_differ(tmp_path: Path) -> None:
    for name in ("a b.txt", "a%20b.txt", "a\u3000b.txt", "文.txt"):
        put(tmp_path / name, "x")
    ids = sorted(one.id for one in read(tmp_path)[0])
    assert ids == ["a%20b.txt#0", "a%2520b.txt#0", "a%E3%80%80b.txt#0", "文.txt#0"]
    write_run(tmp_path / "run", [RunLine("q", id_, 1, 1.0, "t") for id_ in ids])


def test_empty_and_broken_files_are_said(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", " \n")
    put(tmp_path / "b.html", "<title>x</title>")
    put(tmp_path / "c.md", b"latin \xe9")
    put(tmp_path / "d.md", "# heading alone")
    put(tmp_path / "e.txt", b"\xef\xbb\xbftext")
    found, counts = read(tmp_path)
    assert found == [Passage("d.md#0", "", title="heading alone"), Passage("e.txt#0", "text", title="e")]
    assert counts == {"broken_utf8": 1, "empty": 2}


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    put(outside / "secret.txt", "secret")
    put(inside / "a.txt", "public")
    (inside / "b.txt").symlink_to(outside / "secret.txt")
    (inside / "c.txt").symlink_to("a.txt")
    (inside / "d.txt").symlink_to("nowhere")
    (inside / "e").symlink_to(outside)
    (inside / "f").symlink_to(inside)
    found, counts = read(inside)
    assert found == [Passage("a.txt#0", "public", title="a"), Passage("c.txt#0", "public", title="c")]
    assert counts == {"link": 4}
    (tmp_path / "to").symlink_to(inside)
    assert len(read(tmp_path / "to")[0]) == 2


@pytest.mark.skipif(sys.platform == "darwin", reason="the file system refuses names that are not UTF-8")
def test_a_name_that_is_not_utf8_is_said(tmp_path: Path) -> None:
    put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")), "x")
    assert read(tmp_path) == ([], {"broken_utf8": 1})


def test_a_pipe_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert read(tmp_path) == ([], {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "a" / "b.txt", "x")
    (tmp_path / "a").chmod(0)
    try:
        with pytest.raises(DataError, match="cannot be read"):
            read(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o700)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent: cannot be read"):
        read(tmp_path / "absent")


def test_problems_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path / "a.txt", "")
    with caplog.at_level(logging.WARNING, logger="vizsla"):
        read(tmp_path)
    assert "a.txt:1: found 'a.txt', a passage or file without any text" in caplog.text
