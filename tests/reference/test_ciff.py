"""CIFF against outsiders: ciff-toolkit reads ours and we read its; BMP searches ours and finds the same scores."""

import random
from pathlib import Path
from typing import Any

import pytest

from vizsla.data.formats import ciff
from vizsla.data.problems import Problems
from vizsla.data.records import TermWeights

TERMS = [f"t{number}" for number in range(300)]
WHY = "ciff-toolkit pins protobuf below 5 and onnx needs a newer one: run this in an environment without onnx"


@pytest.fixture(scope="module")
def rows() -> list[TermWeights]:
    drawn = random.Random(0)
    sizes = [drawn.randrange(60) for _ in range(700)]
    # Falling odds: some lists are long and some have one posting.
    return [
        TermWeights(
            f"p{row}", {TERMS[int(300 * drawn.random() ** 3)]: float(drawn.randint(1, 400)) for _ in range(size)}
        )
        for row, size in enumerate(sizes)
    ]


@pytest.fixture
def ours(rows: list[TermWeights], tmp_path: Path) -> Path:
    ciff.write_weights(tmp_path / "ours.ciff", rows)
    return tmp_path / "ours.ciff"


def read_outside(path: Path) -> tuple[Any, list[Any], list[Any]]:
    reading = pytest.importorskip("ciff_toolkit.read", reason=WHY)
    with reading.CiffReader(str(path)) as reader:
        return reader.header, list(reader.read_postings_lists()), list(reader.read_documents())


def test_ciff_toolkit_reads_what_we_write(ours: Path, rows: list[TermWeights]) -> None:
    header, lists, records = read_outside(ours)
    assert (header.version, header.num_docs, header.num_postings_lists) == (1, len(rows), len(lists))
    assert header.total_terms_in_collection == sum(sum(one.weights.values()) for one in rows)
    found: dict[str, dict[str, float]] = {one.collection_docid: {} for one in records}
    for list_ in lists:
        position = 0
        assert (list_.df, list_.cf) == (len(list_.postings), sum(one.tf for one in list_.postings))
        for one in list_.postings:
            position += one.docid
            found[rows[position].id][list_.term] = one.tf
    assert found == {one.id: dict(one.weights) for one in rows}
    assert [one.doclength for one in records] == [sum(one.weights.values()) for one in rows]


def test_we_read_what_ciff_toolkit_writes(ours: Path, rows: list[TermWeights], tmp_path: Path) -> None:
    writing = pytest.importorskip("ciff_toolkit.write", reason=WHY)
    header, lists, records = read_outside(ours)
    writer = writing.CiffWriter(str(tmp_path / "theirs.ciff"))
    writer.write_header(header)
    writer.write_postings_lists(lists)
    writer.write_documents(records)
    writer.close()
    assert [one for one, _ in ciff.read_weights(tmp_path / "theirs.ciff", problems=Problems(strict=True))] == rows


def test_bmp_finds_the_same_scores(ours: Path, rows: list[TermWeights], tmp_path: Path) -> None:
    bmp = pytest.importorskip("bmp", reason="bmp is not installed: it has wheels for few systems")
    drawn = random.Random(1)
    small = [TermWeights(one.id, {term: float(drawn.randint(1, 200)) for term in one.weights}) for one in rows]
    ciff.write_weights(ours, small)
    bmp.ciff2bmp(str(ours), str(tmp_path / "index"), 32, False)
    searcher = bmp.Searcher(str(tmp_path / "index"))
    for _ in range(50):
        query = drawn.sample(TERMS[:100], 3)
        ids, scores = searcher.search(dict.fromkeys(query, 1.0), 10, 1.0, 1.0)
        products = {one.id: sum(one.weights.get(term, 0.0) for term in query) for one in small}
        # It scales the weights of a query, so with equal ones every score alike; and it misses a hit now and then.
        assert products[ids[0]] == max(products.values())
        assert [score * products[ids[0]] for score in scores] == [products[id_] * scores[0] for id_ in ids]
