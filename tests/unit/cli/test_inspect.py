import re
import shutil
from pathlib import Path

import pytest

from vizsla.collections.frozen import FrozenCollection

from .conftest import Call


def test_an_index_says_what_it_is_made_of(call: Call, built: Path, data: Path) -> None:
    done = call("inspect", built)
    assert done.code == 0
    flat = " ".join(done.out.split())
    assert "passages 6" in flat
    assert "dog 2" in flat
    assert f"{data}/corpus.jsonl (sha256 " in flat


def test_a_passage_shows_its_text_and_its_terms(call: Call, built: Path) -> None:
    done = call("inspect", built, "--passage", "p6")
    assert "A pointing dog points at birds; the dog waits for the hunter." in done.out
    rows = [line.split() for line in done.out.splitlines()]
    (dog,) = [row for row in rows if row[:1] == ["dog"]]
    assert dog[1:3] == ["2", "2"]


@pytest.mark.parametrize("variant", ["lucene", "robertson", "atire", "bm25l", "bm25+"])
def test_the_parts_of_a_score_sum_to_what_search_gives(call: Call, data: Path, tmp_path: Path, variant: str) -> None:
    call("index", data, "--output", tmp_path / "i", "--variant", variant)
    made = FrozenCollection.load(tmp_path / "i")
    query = "which dog points at birds in Hungary, zzz?"
    positions, scores = made.retriever.search([query], 6).row(0)
    assert len(positions)
    for position, score in zip(positions.tolist(), scores.tolist(), strict=True):
        done = call("inspect", tmp_path / "i", "--query", query, "--passage", made.corpus.ids[position])
        assert done.code == 0
        assert "zzz (in no passage)" in done.out
        total = re.search(r"sum +([\d.]+)", done.out)
        assert total is not None
        assert float(total[1]) == pytest.approx(score, abs=1e-4)
        parts = [float(line.split()[-1]) for line in done.out.splitlines() if re.match(r" \S+ +\d+ +\d", line)]
        assert sum(parts) == pytest.approx(score, abs=5e-4)


def test_an_explained_query_is_read_as_search_reads_it(call: Call, built: Path) -> None:
    done = call("inspect", built, "--query", '"pointing dog" -poodle', "--passage", "p6")
    assert "poodl" not in done.out.partition("term")[2]


def test_a_text_shows_its_terms_where_they_stand(call: Call, built: Path) -> None:
    rows = [line.split() for line in call("inspect", built, "--terms", "The dogs 读取 zzz").out.splitlines()]
    assert ["dog", "dogs", "2"] in rows
    assert ["读取", "读取", "1"] in rows
    assert ["zzz", "zzz", "in", "none"] in rows


def test_an_altered_file_is_named(call: Call, built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    assert call("inspect", copy, "--verify").code == 0
    file = copy / "index/row_columns.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    done = call("inspect", copy, "--verify")
    assert done.code == 2
    assert "index/row_columns.npy: altered" in done.err
    file.write_bytes(content[:-1])
    cut = call("inspect", copy)
    assert cut.code == 2
    assert "index/row_columns.npy" in cut.err


def test_what_is_not_there_is_said(call: Call, built: Path) -> None:
    assert "found no passage with the id 'p9'" in call("inspect", built, "--passage", "p9").err
    assert "found --query without --passage" in call("inspect", built, "--query", "dog").err
