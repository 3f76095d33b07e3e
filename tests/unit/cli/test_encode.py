"""`vizsla encode`: vectors of files, of an index and of queries; taken up, left alone, refused."""

import json
from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.encoders.dense import DenseEncoder
from vizsla.encoders.encoding import SHARD

from .conftest import PASSAGES, QUERIES, Call

MODELS = Path(__file__).parents[1] / "models/fixtures"
BI, CROSS = MODELS / "st5-bi-mean-norm", MODELS / "st5-cross-identity"


def test_files_become_a_corpus_and_its_vectors(call: Call, data: Path, tmp_path: Path) -> None:
    done = call("encode", BI, data, "--output", tmp_path / "v")
    assert done.code == 0, done.err
    assert "dense, 32 wide, compared by cosine" in " ".join(done.out.split())
    stored, corpus = vizsla.load(tmp_path / "v"), vizsla.load(tmp_path / "v.corpus")
    stored.check(corpus)
    texts = [(title, text) if title else text for _, title, text in PASSAGES]
    np.testing.assert_array_equal(stored.rows(), vizsla.load(BI).encode_passages(texts))


def test_an_index_keeps_its_own_corpus(call: Call, built: Path, tmp_path: Path) -> None:
    done = call("encode", BI, built, "-o", tmp_path / "v", "--json")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert (facts["form"], facts["side"], facts["size"], facts["dim"], facts["encoded"]) == (
        "dense",
        "passages",
        6,
        32,
        6,
    )
    assert (facts["vectors"], facts["corpus"]) == (str(tmp_path / "v"), str(built / "corpus"))
    assert [path.name for path in tmp_path.iterdir()] == ["v"]
    vizsla.load(tmp_path / "v").check(vizsla.load(built).corpus)


def test_what_stands_there_already_is_left(call: Call, data: Path, tmp_path: Path) -> None:
    assert call("encode", BI, data, "-o", tmp_path / "v").code == 0
    before = (tmp_path / "v/vectors.npy").stat().st_ino
    done = call("encode", BI, data, "-o", tmp_path / "v", "--json")
    assert json.loads(done.out)["encoded"] == 0
    assert (tmp_path / "v/vectors.npy").stat().st_ino == before
    assert "stood there already" in call("encode", BI, data, "-o", tmp_path / "v").out


def test_an_earlier_run_is_gone_on_with(
    call: Call, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    assert call("encode", BI, data, "-o", whole).code == 0
    monkeypatch.setattr(
        "vizsla.encoders.encoding.encode_to.__kwdefaults__", {"side": "passages", "shard": 2, "progress": None}
    )
    encode, calls = DenseEncoder.encode_passages, list[int]()

    def dying(self: DenseEncoder, texts: list[str]) -> object:
        calls.append(len(texts))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return encode(self, texts)

    monkeypatch.setattr(DenseEncoder, "encode_passages", dying)
    done = call("encode", BI, data, "-o", tmp_path / "v")
    assert done.code == 130
    assert done.err.splitlines()[-1] == "vizsla: interrupted after 4 of 6; the same command goes on there"
    assert not (tmp_path / "v").exists()
    done = call("encode", BI, data, "-o", tmp_path / "v", "--json")
    assert "going on after 4 of 6" in done.err
    assert json.loads(done.out)["encoded"] == 2
    assert calls == [2, 2, 2, 2]
    assert (tmp_path / "v/vectors.npy").read_bytes() == (whole / "vectors.npy").read_bytes()


def test_queries(call: Call, data: Path, tmp_path: Path) -> None:
    done = call("encode", BI, data, "-o", tmp_path / "q", "--queries", "--json")
    assert json.loads(done.out)["side"] == "queries"
    assert list(vizsla.load(tmp_path / "q.corpus").ids.many(range(3))) == list(QUERIES)
    np.testing.assert_array_equal(
        vizsla.load(tmp_path / "q").rows(), vizsla.load(BI).encode_queries(list(QUERIES.values()))
    )


def test_flags_reach_the_model_and_what_is_cut_is_said(call: Call, data: Path, tmp_path: Path) -> None:
    flags = ["--max-length", "8,5", "--set", "dim=8", "--query-model", BI, "--json"]
    done = call("encode", BI, data, "-o", tmp_path / "v", *flags)
    facts = json.loads(done.out)
    assert (facts["dim"], facts["cut"]) == (8, 6)
    assert facts["cut_tokens"] > 6
    assert "were longer than 5 tokens and were cut" in done.err
    assert "6 of 6 passages, which lost" in call("encode", BI, data, "-o", tmp_path / "v", *flags[:-1]).out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--max-length", "1,2,3"], "--max-length '1,2,3'; wanted"),
        (["--max-length", "-4"], "--max-length '-4'; wanted"),
        (["--set", "dim"], "--set 'dim'; wanted"),
        (["--set", "dim=4", "--set", "dim=5"], "each name once"),
        (["--set", "pool=cls"], "pool"),
        (["--precision", "int8"], "vizsla compile"),
        (["--layout", "nonsense"], "nonsense"),
        (["--size", "9"], "cutting"),
    ],
)
def test_flags_that_mean_nothing(call: Call, data: Path, tmp_path: Path, flags: list[str], said: str) -> None:
    done = call("encode", BI, data, "-o", tmp_path / "v", *flags)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_encoded(call: Call, data: Path, built: Path, tmp_path: Path) -> None:
    done = call("encode", CROSS, data, "-o", tmp_path / "v")
    assert (done.code, "found a reranker" in done.err) == (2, True)
    done = call("encode", built, data, "-o", tmp_path / "v")
    assert (done.code, "FrozenCollection, no model" in done.err) == (2, True)
    done = call("encode", BI, built, "-o", tmp_path / "v", "--size", 40)
    assert (done.code, "whose passages are stored" in done.err) == (2, True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.jsonl").touch()
    done = call("encode", BI, tmp_path / "empty.jsonl", "-o", tmp_path / "v")
    assert (done.code, "found no passages at all" in done.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.jsonl"]
    assert call("encode", BI, built, "-o", tmp_path / "v").code == 0
    done = call("encode", BI, tmp_path / "v", "-o", tmp_path / "w")
    assert (done.code, "without passages" in done.err) == (2, True)


def test_another_artifact_is_never_replaced(call: Call, data: Path, tmp_path: Path) -> None:
    assert call("index", data, "--output", tmp_path / "i").code == 0
    done = call("encode", BI, data, "-o", tmp_path / "i")
    assert (done.code, "found an artifact of kind 'frozen-collection'" in done.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["i"]


def test_a_file_is_never_replaced_and_refused_before_passages_are_read(call: Call, data: Path, tmp_path: Path) -> None:
    (tmp_path / "v").write_text("mine", encoding="utf-8")
    done = call("encode", BI, data, "-o", tmp_path / "v")
    assert (done.code, "not an artifact of vizsla stands there" in done.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["v"]
    assert (tmp_path / "v").read_text(encoding="utf-8") == "mine"


def test_passages_with_titles_are_no_queries(call: Call, built: Path, tmp_path: Path) -> None:
    done = call("encode", BI, built, "-o", tmp_path / "v", "--queries")
    assert (done.code, "found --queries and passages with titles" in done.err) == (2, True)


def test_progress_is_told_within_five_hundred_texts() -> None:
    assert SHARD <= 512
