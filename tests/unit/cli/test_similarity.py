"""`vizsla similarity`: order, forms, sources of texts, encoders and rerankers."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

import vizsla

from .conftest import Call

MODELS = Path(__file__).parents[1] / "models/fixtures"
BI, CROSS = MODELS / "st5-bi-mean-norm", MODELS / "st5-cross-identity"
SOURCE, TEXTS = "what is a bridge?", ["city of London", "a bridge is 18 km", "打开文件", "city of London"]


def test_the_nearest_comes_first_and_equals_keep_their_order(call: Call) -> None:
    done = call("similarity", BI, SOURCE, *TEXTS, "--json")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    encoder = vizsla.load(BI)
    wanted = encoder.similarity(encoder.encode_queries([SOURCE]), encoder.encode_passages(TEXTS))[0]
    assert [row["score"] for row in rows] == pytest.approx(sorted(wanted.tolist(), reverse=True))
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert [TEXTS[row["place"]] for row in rows] == [row["text"] for row in rows]
    places = [row["place"] for row in rows]
    assert places.index(0) + 1 == places.index(3)
    assert {(row["source"], row["kind"]) for row in rows} == {(SOURCE, "cosine")}


def test_a_reranker_gives_its_own_scores(call: Call) -> None:
    rows = [json.loads(line) for line in call("similarity", CROSS, SOURCE, *TEXTS, "--k", 2, "--json").out.splitlines()]
    scores = vizsla.load(CROSS).score([(SOURCE, text) for text in TEXTS])
    assert [row["score"] for row in rows] == pytest.approx(np.sort(scores)[::-1][:2].tolist())
    assert rows[0]["kind"] == "logit"


def test_the_table_shows_texts_and_scores(call: Call) -> None:
    done = call("similarity", BI, SOURCE, SOURCE, "x \x1b[31m y")
    lines = done.out.splitlines()
    assert lines[0].split() == ["cosine", "text"]
    assert lines[1].split(maxsplit=1) == ["1.0000", SOURCE]
    assert "\x1b" not in done.out


def test_texts_of_a_file_and_of_stdin(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "one\n\n  two  \n三\n"
    (tmp_path / "t.txt").write_text(lines, encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
    for name in (tmp_path / "t.txt", "-"):
        rows = [
            json.loads(line) for line in call("similarity", BI, "x", "zero", "--texts", name, "--json").out.splitlines()
        ]
        found = {row["place"]: row["text"] for row in rows}
        assert found == {0: "zero", 1: "one", 2: "two", 3: "三"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((BI, "x"), "found no text to compare with"),
        ((BI, "x", "--texts", "absent"), "absent: is not there"),
        (("no-such-model", "x", "y"), "no-such-model"),
        ((BI.parent / "tokens", "x", "y"), "config.json"),
    ],
)
def test_refusals(call: Call, arguments: tuple[object, ...], said: str) -> None:
    done = call("similarity", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
