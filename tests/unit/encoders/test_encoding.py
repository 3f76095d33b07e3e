"""Encoding to disk: the same vectors as in memory, whatever happens on the way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import ArtifactError, IncompatibleError, OverloadedError, SettingsError
from vizsla.data.corpus import Corpus
from vizsla.encoders.encoding import encode_to
from vizsla.encoders.sparse import SparseEncoder
from vizsla.encoders.stored import StoredVectors
from vizsla.models.description import Description, Towers
from vizsla.models.finding import Use

SIZE = 50


class StoppedError(Exception):
    """A kill that Python sees."""


@pytest.fixture
def corpus() -> Corpus:
    words = ["city", "of", "London", "bridge", "python", "open", "the", "file"]
    texts = [" ".join(words[place % 7 :] * (place % 5)) for place in range(SIZE)]
    return Corpus.build(vizsla.Passage(f"p{place}", text, "18" * (place % 3)) for place, text in enumerate(texts))


@pytest.fixture(scope="module", params=["dense", "sparse"])
def encoder(request: pytest.FixtureRequest, unit_folder: Path, terms: Description) -> Any:
    return vizsla.load(unit_folder) if request.param == "dense" else SparseEncoder.of(Towers(terms, terms), Use())


def plain(rows: Any) -> bytes:
    whole: bytes = (rows if isinstance(rows, np.ndarray) else rows.toarray()).tobytes()
    return whole


def stopping(after: int) -> Any:
    def progress(done: int, total: int) -> None:
        assert total == SIZE
        if done >= after:
            raise StoppedError

    return progress


def test_stored_vectors_are_the_encoders(encoder: Any, corpus: Corpus, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    made = encode_to(tmp_path / "v", encoder, corpus, shard=20, progress=lambda *step: steps.append(step))
    assert plain(made.rows()) == plain(encoder.encode_passages(corpus.texts(range(SIZE))))
    assert steps == [(0, SIZE), (20, SIZE), (40, SIZE), (SIZE, SIZE)]
    assert plain(made.rows(7, 9)) == plain(encoder.encode_passages(corpus.texts([7, 8])))
    assert made.rows(3, 3).shape == (0, encoder.dim)
    assert (len(made), made.dim, made.contract) == (SIZE, encoder.dim, encoder.contract)
    assert (made.made.precision, made.made.runtime, made.made.dtype) == ("fp32", "OnnxRuntime", "float32")
    assert made.made.cut > 0
    assert [path.name for path in tmp_path.iterdir()] == ["v"]
    again = vizsla.load(tmp_path / "v")
    assert isinstance(again, StoredVectors)
    again.check(corpus)


@pytest.mark.parametrize("stops", [[0], [10], [20, 20], [10, 30, 50]])
def test_stopped_work_goes_on(encoder: Any, corpus: Corpus, tmp_path: Path, stops: list[int]) -> None:
    whole = encode_to(tmp_path / "whole", encoder, corpus, shard=10)
    for stop in stops:
        with pytest.raises(StoppedError):
            encode_to(tmp_path / "v", encoder, corpus, shard=10, progress=stopping(stop))
    left = tmp_path / ".v.encoding"
    for path in left.glob("*.npy"):
        path.write_bytes(path.read_bytes() + b"half a shard")
    seen: list[int] = []
    made = encode_to(tmp_path / "v", encoder, corpus, shard=10, progress=lambda done, _: seen.append(done))
    assert seen[0] == stops[-1]
    assert plain(made.rows()) == plain(whole.rows())
    assert made.made == whole.made
    assert not left.exists()


def test_what_stands_is_not_made_again(encoder: Any, corpus: Corpus, tmp_path: Path) -> None:
    encode_to(tmp_path / "v", encoder, corpus)
    made = encode_to(tmp_path / "v", encoder, corpus, progress=stopping(0))
    assert len(made) == SIZE
    with pytest.raises(StoppedError):
        encode_to(tmp_path / "v", encoder, corpus, side="queries", progress=stopping(0))


def test_queries(encoder: Any, tmp_path: Path) -> None:
    queries = Corpus.build([vizsla.Passage("q1", "city of London"), vizsla.Passage("q2", "open the file")])
    made = encode_to(tmp_path / "q", encoder, queries, side="queries")
    assert plain(made.rows()) == plain(encoder.encode_queries(["city of London", "open the file"]))
    assert made.made.side == "queries"


def test_no_passages(encoder: Any, tmp_path: Path) -> None:
    made = encode_to(tmp_path / "v", encoder, Corpus.build([]))
    assert made.rows().shape == (0, encoder.dim)


def test_other_work_is_not_gone_on_with(encoder: Any, corpus: Corpus, unit_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        encode_to(tmp_path / "v", encoder, corpus, shard=10, progress=stopping(10))
    others = Corpus.build(vizsla.Passage(one.id, one.text + " x", one.title) for one in corpus)
    with pytest.raises(IncompatibleError, match="begun with another texts"):
        encode_to(tmp_path / "v", encoder, others)
    with pytest.raises(IncompatibleError, match="begun with another contract"):
        encode_to(tmp_path / "v", vizsla.load(unit_folder, max_length=9), corpus)

    def meanwhile(_done: int, _total: int) -> None:
        encode_to(tmp_path / "v", encoder, corpus)

    with pytest.raises(OverloadedError, match="another process"):
        encode_to(tmp_path / "v", encoder, corpus, progress=meanwhile)


@pytest.mark.parametrize("damage", ["{", "{}", '{"what": {}, "done": -1, "rows": {}, "counts": {}}', None])
def test_damaged_work_is_refused(encoder: Any, corpus: Corpus, tmp_path: Path, damage: str | None) -> None:
    with pytest.raises(StoppedError):
        encode_to(tmp_path / "v", encoder, corpus, shard=10, progress=stopping(10))
    left = tmp_path / ".v.encoding"
    if damage is None:
        for path in left.glob("*.npy"):
            path.write_bytes(path.read_bytes()[:-4])
    else:
        (left / "progress.json").write_text(damage, encoding="utf-8")
    with pytest.raises(ArtifactError, match="remove"):
        encode_to(tmp_path / "v", encoder, corpus)


def test_other_things_at_the_place(encoder: Any, corpus: Corpus, tmp_path: Path) -> None:
    corpus.save(tmp_path / "corpus")
    with pytest.raises(IncompatibleError, match="kind 'corpus' where vectors would go"):
        encode_to(tmp_path / "corpus", encoder, corpus)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(ArtifactError):
        encode_to(tmp_path / "file", encoder, corpus)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
    with pytest.raises(SettingsError, match="shard=0"):
        encode_to(tmp_path / "v", encoder, corpus, shard=0)


WRITER = """
import sys
import vizsla
from vizsla.encoders.encoding import encode_to

def progress(done, total):
    print(done, flush=True)

corpus = vizsla.load(sys.argv[1])
encode_to(sys.argv[2], vizsla.load(sys.argv[3]), corpus, shard=3, progress=progress)
"""


def test_killed_work_goes_on(corpus: Corpus, unit_folder: Path, tmp_path: Path) -> None:
    corpus.save(tmp_path / "corpus")
    command = [sys.executable, "-c", WRITER, str(tmp_path / "corpus"), str(tmp_path / "v"), str(unit_folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(vizsla.__file__).parents[1])}
    starts = []
    for turn in range(3):
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert writer.stdout is not None
        starts.append(int(writer.stdout.readline()))
        for _ in range(2):
            writer.stdout.readline()
        time.sleep(0.001 * turn)
        os.kill(writer.pid, signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        writer.stdout.close()
        assert not (tmp_path / "v").exists()
    assert starts[0] == 0 < starts[1] < starts[2]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert int(done.stdout.split()[0]) > starts[2]
    whole = vizsla.load(unit_folder).encode_passages(corpus.texts(range(SIZE)))
    made = StoredVectors.load(tmp_path / "v")
    assert plain(made.rows()) == whole.tobytes()
    made.check(corpus)
