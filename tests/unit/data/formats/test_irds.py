"""A data set registered in this process: nothing is fetched."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import irds
from vizsla.data.problems import Problems

STRICT = Problems(strict=True)


class Titled(NamedTuple):
    doc_id: str
    title: str
    body: str

    def default_text(self) -> str:
        return f"{self.title} {self.body}"


class Other(NamedTuple):
    doc_id: str
    lines: str

    def default_text(self) -> str:
        return self.lines


class Query(NamedTuple):
    query_id: str
    text: str


class Judged(NamedTuple):
    query_id: str
    doc_id: str
    relevance: int


@pytest.fixture(scope="module")
def name() -> str:
    package = pytest.importorskip("ir_datasets", reason="needs the extra ir-datasets")
    formats = pytest.importorskip("ir_datasets.formats", reason="needs the extra ir-datasets")

    class Passages(formats.BaseDocs):  # type: ignore[misc, name-defined]
        def docs_iter(self) -> Iterator[Any]:
            yield from (Titled("1", "t", "文"), Other("2", "lines"), Titled("3", " ", ""))

    class Queries(formats.BaseQueries):  # type: ignore[misc, name-defined]
        def queries_iter(self) -> Iterator[Any]:
            yield Query("q", "what")

    class Judgements(formats.BaseQrels):  # type: ignore[misc, name-defined]
        def qrels_iter(self) -> Iterator[Any]:
            yield Judged("q", "1", 2)

    class Absent(formats.BaseDocs):  # type: ignore[misc, name-defined]
        def docs_iter(self) -> Iterator[Any]:
            raise FileNotFoundError("no such archive")

    package.registry.register("vizsla-tiny", package.Dataset(Passages(), Queries(), Judgements()))
    package.registry.register("vizsla-absent", package.Dataset(Absent()))
    return "vizsla-tiny"


def test_passages_queries_and_judgements(name: str) -> None:
    problems = Problems()
    assert list(irds.read_passages(name, problems=problems)) == [
        (Passage("1", "文", "t"), "ir_datasets:vizsla-tiny: passage 1"),
        (Passage("2", "lines"), "ir_datasets:vizsla-tiny: passage 2"),
    ]
    assert problems.counts == {"empty": 1}
    assert [one[:2] for one in irds.read_queries(name, problems=STRICT)] == [("q", "what")]
    assert [one[:3] for one in irds.read_judgements(name)] == [("q", "1", 2)]
    assert irds.kinds(name) == (True, True, True)


def test_what_is_not_there_is_said(name: str) -> None:
    assert irds.kinds("vizsla-absent") == (True, False, False)
    with pytest.raises(DataError, match=r"vizsla-absent: cannot be read \(FileNotFoundError: no such archive\)"):
        list(irds.read_passages("vizsla-absent", problems=STRICT))
    with pytest.raises(DataError, match="found no queries_iter"):
        list(irds.read_queries("vizsla-absent", problems=STRICT))
    with pytest.raises(DataError, match="found 'no-such-set'; wanted the id of a data set"):
        irds.kinds("no-such-set")
