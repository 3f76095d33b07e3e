"""A stored collection under harm: cut, flipped, altered, shared; and the same bytes whenever it is built."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from vizsla.collections import frozen
from vizsla.collections.frozen import FrozenCollection, IndexSettings
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import Passage
from vizsla.text.counting import TermCounter
from vizsla.text.settings import AnalyzerSettings

ROOT = Path(__file__).parents[2]
QUERIES = ["point at birds", "维兹拉犬 猎物", "café number 7 rare67", "nothing of this kind xyzzy"]
FILES = [
    *("corpus/bytes.npy", "corpus/starts.npy", "corpus/title_sizes.npy", "corpus/id_bytes.npy", "corpus/id_starts.npy"),
    *("corpus/id_hashes.npy", "corpus/id_order.npy", "corpus/manifest.json", "encoder/analyzer.json"),
    *("encoder/terms.npy", "encoder/term_starts.npy", "encoder/frequencies.npy", "encoder/manifest.json"),
    *("index/starts.npy", "index/positions.npy", "index/codes.npy", "index/lengths.npy", "index/manifest.json"),
    *("index/row_ends.npy", "index/row_columns.npy", "index/row_values.npy", "index/steps.npy"),
    *("index/frequent.npy", "index/tiles.npy", "index/groups.npy"),
]

SEARCH = """
import sys
from vizsla.collections.frozen import FrozenCollection
hits = FrozenCollection.load(sys.argv[1]).retriever.search(sys.argv[2:], 5)
print(hits.positions.tolist(), hits.scores.tolist())
"""

# Whatever was altered, the process lives, and says what is wrong or returns hits that exist.
ALTER = """
import sys, warnings
from pathlib import Path
import numpy as np
from vizsla.collections.frozen import FrozenCollection
from vizsla.core.errors import ArtifactError

warnings.simplefilter("error")
folder, names, queries = Path(sys.argv[1]), sys.argv[2].split(), sys.argv[3:]
draws = np.random.default_rng(7)

def altered(path):
    values = np.load(path)
    if not len(values):
        return
    top = np.finfo(values.dtype).max if values.dtype.kind == "f" else np.iinfo(values.dtype).max
    low = np.finfo(values.dtype).min if values.dtype.kind == "f" else np.iinfo(values.dtype).min
    for value in (0, 1, top, low, top // 2, low // 2):
        yield np.full_like(values, value)
    inner = values.copy()
    for value in (top, low, low + 1, top - 1):
        inner[1:-1] = value
        yield inner.copy()
    yield values[::-1].copy()
    yield draws.permutation(values)
    for _ in range(12):
        garbage = np.frombuffer(draws.bytes(values.nbytes), values.dtype).copy()
        yield garbage
        garbage[0], garbage[-1] = values[0], values[-1]
        yield garbage
        one = values.copy()
        one[draws.integers(len(one))] = garbage[draws.integers(len(one))]
        yield one

def use():
    collection = FrozenCollection.load(folder)
    search = collection.retriever.search
    for hits in (search(queries, 3), search(queries[:1], 10_000), search(queries, 2, np.ones(len(collection), bool))):
        for row in range(len(hits)):
            positions, _ = hits.row(row)
            assert all(0 <= p < len(collection) for p in positions.tolist()), positions
            collection.corpus.texts(positions)
            collection.corpus.ids.many(positions)
    for query in ['+word -other "two words"', '+number -dogs "point birds"']:
        for hits in (collection.searcher.search([query], 3), collection.searcher.search([query], 10_000)):
            assert all(0 <= p < len(collection) for p in hits.row(0)[0].tolist()), hits
    collection.holding("number point")
    collection.searched(range(3))
    collection.corpus.ids.positions(["p3", "nobody"])
    collection.index.contributions(collection.encoder.encode_queries(queries[:1]), 3)
    collection.index.contents.vector(3)
    for number in range(min(collection.encoder.dim, 5)):
        collection.encoder.vocabulary.term(number)

for name in names:
    print(name, flush=True)
    path = folder / name
    old = path.read_bytes()
    for values in altered(path):
        with path.open("r+b") as file:
            file.seek(len(old) - values.nbytes)
            file.write(values.tobytes())
        try:
            use()
        except ArtifactError:
            pass
    path.write_bytes(old)
    use()
print("lived")
"""


def passages(count: int = 150) -> list[Passage]:
    birds = ["birds", "dogs", "cafés", "猎物", "维兹拉犬会指示", "numbers"]
    texts = [f"{birds[i % 6]} point {birds[i % 5]} number {i % 11} é\u0301 {birds[i % 4] * 2}" for i in range(count)]
    texts = [f"{text} rare{i}" if i % 30 == 7 else text for i, text in enumerate(texts)]  # too rare for tiles
    return [Passage(f"p{i}", text, "A title" if i % 3 else "") for i, text in enumerate(texts)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored") / "collection"
    FrozenCollection.build(passages(), folder)
    return folder


@pytest.fixture
def copy(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "copy"))


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", program, *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT / "src")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_these_are_all_the_files(stored: Path) -> None:
    assert set(files(stored)) == {*FILES, "manifest.json"}


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_cut_file_is_refused_at_opening_and_named(copy: Path, name: str) -> None:
    path = copy / name
    whole = path.read_bytes()
    for size in (0, 1, len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole[:size])
        with pytest.raises(ArtifactError, match=Path(name).name):
            FrozenCollection.load(copy)
    path.unlink()
    with pytest.raises(ArtifactError, match=Path(name).name):
        FrozenCollection.load(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_by_verify_and_named(copy: Path, name: str) -> None:
    assert FrozenCollection.load(copy).verify() > 0
    collection, path = FrozenCollection.load(copy), copy / name
    whole = path.read_bytes()
    for at in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ArtifactError, match=f"{name}: altered"):
            collection.verify()


@pytest.mark.parametrize("part", ["corpus", "encoder", "index"])
def test_altered_arrays_are_refused_or_searched_but_never_left(copy: Path, part: str) -> None:
    names = [name for name in FILES if name.startswith(part) and name.endswith(".npy")]
    done = run(ALTER, str(copy), " ".join(names), *QUERIES)
    assert done.returncode == 0, f"after {done.stdout}: {done.stderr[-1500:]}"
    assert done.stdout.split() == [*names, "lived"]


@pytest.mark.parametrize("name", ["encoder/analyzer.json", *(n for n in FILES if n.endswith("manifest.json"))])
def test_altered_records_are_refused(copy: Path, name: str) -> None:
    path = copy / name
    whole = path.read_bytes()
    for broken in (b"\xff" * len(whole), b"{}".ljust(len(whole)), b"[]".ljust(len(whole)), whole.replace(b'"', b"'")):
        path.write_bytes(broken)
        with pytest.raises(ArtifactError):
            FrozenCollection.load(copy)


@pytest.mark.parametrize("name", ["index/manifest.json", "encoder/manifest.json"])
def test_settings_of_another_shape_are_refused(copy: Path, name: str) -> None:
    path = copy / name
    whole = json.loads(path.read_bytes())
    outer = json.loads((copy / "manifest.json").read_bytes())
    for key in whole["settings"]:
        others: list[object] = ["x", -1, None, [], {"x": 1}]
        for value in [other for other in others if other != whole["settings"][key]]:
            path.write_text(json.dumps(whole | {"settings": whole["settings"] | {key: value}}))
            outer["files"][name]["size_bytes"] = path.stat().st_size
            (copy / "manifest.json").write_text(json.dumps(outer))
            with pytest.raises(ArtifactError):
                FrozenCollection.load(copy).retriever.search(QUERIES, 3)


def test_several_processes_search_one_folder(stored: Path) -> None:
    hits = FrozenCollection.load(stored).retriever.search(QUERIES, 5)
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: run(SEARCH, str(stored), *QUERIES), range(3)))
    assert [one.returncode for one in done] == [0] * 3, done[0].stderr
    assert {one.stdout for one in done} == {f"{hits.positions.tolist()} {hits.scores.tolist()}\n"}


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux says what is mapped and read")
def test_loading_does_not_read_the_arrays(tmp_path: Path) -> None:
    folder = tmp_path / "large"
    FrozenCollection.build((Passage(f"p{i}", f"w{i % 5000} " * 40 + "维兹拉犬" * 20) for i in range(20_000)), folder)
    mapped = run(MAPPED, str(folder))
    assert mapped.returncode == 0, mapped.stderr
    read = dict(line.split() for line in mapped.stdout.splitlines())
    size = (folder / "corpus/bytes.npy").stat().st_size
    assert size > 5 << 20
    # The system reads ahead of the bytes that are asked for, never all of a large file.
    assert int(read["corpus/bytes.npy"]) << 10 < size / 4


MAPPED = """
import sys
from pathlib import Path
from vizsla.collections.frozen import FrozenCollection
folder = Path(sys.argv[1]).resolve()
collection = FrozenCollection.load(folder)
name = ""
for line in open("/proc/self/smaps", encoding="utf-8"):
    words = line.split()
    if len(words) == 6 and words[5].startswith(str(folder)):
        name = str(Path(words[5]).relative_to(folder))
    elif words[0] == "Rss:" and name:
        print(name, words[1])
        name = ""
"""


def test_builds_of_the_same_passages_are_the_same_bytes(stored: Path, tmp_path: Path) -> None:
    FrozenCollection.build(iter(passages()), tmp_path / "again")
    assert files(tmp_path / "again") == files(stored)


def test_memory_does_not_change_what_is_built(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FrozenCollection.build(passages(), tmp_path / "little", IndexSettings(memory_mib=1))
    monkeypatch.setattr("vizsla.indexes.turning._ENTRY", 1 << 18)  # a mebibyte is four postings
    FrozenCollection.build(passages(), tmp_path / "least", IndexSettings(memory_mib=1))
    wanted = files(stored)
    for name in ("little", "least"):
        made = files(tmp_path / name)
        assert json.loads(made.pop("manifest.json"))["settings"]["memory_mib"] == 1
        assert made == {file: content for file, content in wanted.items() if file != "manifest.json"}


@pytest.mark.parametrize("size", [1, 100, 1000, 1 << 30])
def test_batches_do_not_change_what_is_built(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(frozen, "_BATCH_BYTES", size)
    FrozenCollection.build(passages(), tmp_path / "made")
    assert files(tmp_path / "made") == files(stored)


@pytest.mark.parametrize("titles", ["index", "store"])
def test_titles_are_searched_or_only_stored(tmp_path: Path, titles: str) -> None:
    chosen = IndexSettings(titles=titles)  # type: ignore[arg-type]
    made = FrozenCollection.build([Passage("a", "the text", "headline"), Passage("b", "other")], tmp_path / "c", chosen)
    assert made.retriever.search(["headline"], 2).counts().tolist() == [int(titles == "index")]
    assert made.retriever.search(["text"], 2).positions.tolist() == [[0, -1]]
    assert made.corpus.texts([0]) == [("headline", "the text")]


def test_passages_without_any_terms(tmp_path: Path) -> None:
    made = FrozenCollection.build([Passage("a", "!!!"), Passage("b", "...")], tmp_path / "c")
    assert made.encoder.dim == 0
    assert made.retriever.search(["a", "", "!!!"], 3).counts().tolist() == [0, 0, 0]
    assert made.verify() > 0


def test_a_failed_build_leaves_nothing_and_the_old_one(stored: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(stored, tmp_path / "c"))
    before = files(folder)

    def broken(_: TermCounter, texts: object) -> None:
        raise RuntimeError("stopped")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TermCounter, "count", broken)
        with pytest.raises(RuntimeError, match="stopped"):
            FrozenCollection.build(passages(5), folder, IndexSettings(analyzer=AnalyzerSettings(language="en")))
    assert files(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    assert np.array_equal(FrozenCollection.load(folder).corpus.ids.positions(["p3"]), [3])
