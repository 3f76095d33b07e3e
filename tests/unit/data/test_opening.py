import gzip
import io
import sys
from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.data import opening

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINES = b"one\r\n\nthree\n"
READ = [(1, b"one"), (2, b""), (3, b"three")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", LINES),
        ("a.txt", LINES.rstrip(b"\n")),
        ("a.txt", b"\xef\xbb\xbf" + LINES),
        ("a.txt.gz", gzip.compress(LINES, mtime=0)),
        ("a.txt.gz", gzip.compress(b"\xef\xbb\xbfone\n", mtime=0) + gzip.compress(b"\nthree", mtime=0)),
        ("a.txt.zst", zstd.compress(LINES)),
        ("a.txt.zst", b"\x50\x2a\x4d\x18\x02\x00\x00\x00xx" + zstd.compress(LINES)),
        ("named-otherwise", gzip.compress(LINES, mtime=0)),
        ("named-otherwise.txt", zstd.compress(LINES)),
    ],
)
def test_plain_and_compressed_lines(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert list(opening.lines(path)) == READ


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
@pytest.mark.parametrize("content", [b"", b"\x1f", b"plain text"])
def test_a_name_that_promises_compression_must_keep_it(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: found a name that says"):
        list(opening.lines(tmp_path / name))


def test_a_cut_file_says_how_far_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"x\n" * 100_000)[:-9])
    with pytest.raises(DataError, match=r"a\.gz: damaged or cut short after [\d,]+ lines \([\d,]+ bytes\)"):
        list(opening.lines(path))


def test_what_cannot_be_opened_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        list(opening.lines(tmp_path / "absent"))
    with pytest.raises(DataError, match="cannot be opened"):
        list(opening.lines(tmp_path))


def test_a_line_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LINE_LIMIT_BYTES", 10)
    path = tmp_path / "a"
    path.write_bytes(b"123456789\n123456789a\n")
    read = opening.lines(path)
    assert next(read) == (1, b"123456789")
    with pytest.raises(DataError, match="a:2: found a line of more than"):
        next(read)
    with pytest.raises(DataError, match="wanted smaller files"):
        opening.whole(path)


def test_a_long_compressed_line_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 64 MiB of zeros in 64 KiB: only the limit may be read, whatever the file expands to.
    monkeypatch.setattr(opening, "LINE_LIMIT_BYTES", 1000)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\0" * (1 << 26), 1))
    with pytest.raises(DataError, match="a line of more than"):
        list(opening.lines(path))


@pytest.mark.parametrize("name", ["a.txt", "a.gz", "a.zst"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "deep" / name
    with opening.writing(path) as file:
        file.write(LINES)
        assert not path.exists()
    assert list(opening.lines(path)) == READ
    assert [one.name for one in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.txt", "a.gz", "a.zst"])
def test_a_failed_writing_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), opening.writing(path) as file:  # noqa: PT012 - the second line raises
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        with opening.writing(tmp_path / name) as file:
            file.write(LINES)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_a_place_that_cannot_be_written_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written"), opening.writing(tmp_path / "file" / "inside"):
        pass


def test_a_failing_disk_is_a_data_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def peek(self, _size: int) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", lambda *_: Failing())
    with pytest.raises(DataError, match="Input/output error"):
        list(opening.lines(tmp_path / "a"))


def test_one_of_several_compressions_is_found(tmp_path: Path) -> None:
    assert opening.find(tmp_path, "a.jsonl") is None
    (tmp_path / "a.jsonl.zst").write_bytes(b"")
    assert opening.find(tmp_path, "a.jsonl") == tmp_path / "a.jsonl.zst"
    (tmp_path / "a.jsonl").write_bytes(b"")
    with pytest.raises(DataError, match=r"found a\.jsonl and a\.jsonl\.zst"):
        opening.find(tmp_path, "a.jsonl")


def test_endings_without_the_compression() -> None:
    assert opening.bare_suffix(Path("x/corpus.JSONL.gz")) == ".jsonl"
    assert opening.bare_suffix(Path("a.tsv")) == ".tsv"
    assert opening.bare_suffix(Path("a.gz")) == ""
