"""A small judged corpus, an index of it, and the command line called in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vizsla.cli.app import run

MODEL = Path(__file__).parents[1] / "models/fixtures/st5-bi-mean-norm"
PASSAGES = [
    ("p1", "Vizslas", "The vizsla is a pointing dog from Hungary."),
    ("p2", "Poodles", "A poodle swims well and learns quickly."),
    ("p3", "", "Reading files in Python: open the file and read its lines."),
    ("p4", "读取文件", "用 Python 读取文件最好用 with 语句。"),
    ("p5", "", "狗不吃饭要去看医生。"),
    ("p6", "", "A pointing dog points at birds; the dog waits for the hunter."),
]
QUERIES = {"q1": "which dog points at birds", "q2": "Python怎么读取文件", "q3": "nothing of the kind"}
GRADES = [("q1", "p6", 2), ("q1", "p1", 1), ("q2", "p4", 1), ("q3", "p2", 1), ("q3", "absent", 1)]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def outcome(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return outcome


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judged")
    passages = [{"_id": id_, "title": title, "text": text} for id_, title, text in PASSAGES]
    queries = [{"_id": id_, "text": text} for id_, text in QUERIES.items()]
    for name, records in (("corpus", passages), ("queries", queries)):
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "qrels").mkdir()
    grades = "".join(f"{query}\t{passage}\t{grade}\n" for query, passage, grade in GRADES)
    (folder / "qrels/test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{grades}", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def built(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "dogs.index"
    assert run(["index", str(data), "--output", str(folder)]) == 0
    return folder
