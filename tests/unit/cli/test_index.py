from pathlib import Path

import pytest

from vizsla.collections.frozen import FrozenCollection
from vizsla.encoders.bm25 import BM25

from .conftest import Call


def test_the_summary_says_what_was_built(call: Call, data: Path, tmp_path: Path) -> None:
    done = call("index", data, "--output", tmp_path / "i")
    assert done.code == 0
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines() if not line.startswith(" "))
    assert lines["passages"] == "6"
    assert lines["language"].startswith("english (chosen: ")
    assert lines["bm25"] == "lucene, k1 0.9, b 0.4"
    assert lines["problems"] == "none"
    assert int(lines["terms"]) == FrozenCollection.load(tmp_path / "i").encoder.dim
    assert not done.err


def test_every_flag_reaches_the_index(call: Call, data: Path, tmp_path: Path) -> None:
    (tmp_path / "stops").write_text("dog\n\n", encoding="utf-8")
    (tmp_path / "words").write_text("pointing dog\n", encoding="utf-8")
    (tmp_path / "groups").write_text("医生, doctor\n", encoding="utf-8")
    flags = "--language zh --ideographs words --no-stem --titles store --variant bm25+ --k1 1.2 --b 0.75 --delta 1"
    files = ["--stop-words", tmp_path / "stops", "--user-words", tmp_path / "words", "--synonyms", tmp_path / "groups"]
    done = call("index", data, "--output", tmp_path / "i", *flags.split(), "--memory-mib", 8, *files)
    assert done.code == 0, done.err
    made = FrozenCollection.load(tmp_path / "i")
    analyzer = made.encoder.analyzer.settings
    assert (analyzer.language, analyzer.ideographs, analyzer.stem) == ("english", "words", False)
    assert (analyzer.stop_words, analyzer.user_words) == (("dog",), ("pointing dog",))
    assert analyzer.synonyms == (("医生", "doctor"),)
    assert made.encoder.bm25 == BM25("bm25+", 1.2, 0.75, 1.0)
    assert (made.manifest["settings"]["titles"], made.manifest["settings"]["memory_mib"]) == ("store", 8)


def test_traditional_characters_are_simplified(call: Call, tmp_path: Path) -> None:
    pytest.importorskip("opencc", reason="needs the extra traditional")
    (tmp_path / "a.txt").write_text("書籍與貓", encoding="utf-8")
    assert call("index", tmp_path / "a.txt", "--output", tmp_path / "i", "--simplify").code == 0
    assert call("search", tmp_path / "i", "书").out


def test_flags_win_over_the_file_of_settings(call: Call, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    text = '[analyzer]\nstem = false\n[bm25]\nk1 = 2.0\nb = 0.1\n[index]\ntitles = "store"\n'
    file.write_text(text, encoding="utf-8")
    assert call("index", data, "--output", tmp_path / "i", "--settings", file, "--k1", 1.5).code == 0
    made = FrozenCollection.load(tmp_path / "i")
    assert made.encoder.bm25 == BM25(k1=1.5, b=0.1)
    assert not made.encoder.analyzer.settings.stem
    assert made.manifest["settings"]["titles"] == "store"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[analyser]\n", "s.toml: found 'analyser', which is no table of settings here; did you mean 'analyzer'?"),
        ("[bm25]\ndetla = 1\n", "s.toml: found the unknown setting 'detla' for BM25; did you mean 'delta'?"),
        ("[bm25]\nk1 = 'x'\n", "s.toml: found k1 = 'x' in BM25; wanted a number"),
        ("[index]\ntitle = 'store'\n", "did you mean 'titles'?"),
        ("[index]\nanalyzer = {stem = false}\n", "s.toml: found 'analyzer' in [index]; wanted a table [analyzer]"),
        ("[index.bm25]\nk1 = 1\n", "s.toml: found 'bm25' in [index]; wanted a table [bm25]"),
        ("[index]\nmemory_mib = 0\n", "s.toml: found memory_mib = 0; wanted at least 1"),
        ("k1 = 1\n", "s.toml: found 'k1', which is no table of settings here"),
        ("[bm25\n", "s.toml: found text that is not TOML"),
    ],
)
def test_a_wrong_file_of_settings_is_refused(call: Call, data: Path, tmp_path: Path, text: str, wanted: str) -> None:
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    done = call("index", data, "--output", tmp_path / "i", "--settings", tmp_path / "s.toml")
    assert done.code == 2
    assert wanted in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (["--language", "klingon"], "found the language 'klingon'"),
        (["--ideographs", "strokes"], "found ideographs = 'strokes'"),
        (["--variant", "bm42"], "found variant = 'bm42'"),
        (["--k1", "0"], "wanted k1 above 0"),
        (["--memory-mib", "-1"], "found memory_mib = -1; wanted at least 1"),
        (["--titles", "drop"], "found titles = 'drop'"),
        (["--columns", "id"], "wanted pairs such as id=number"),
        (["--columns", "name=x"], "found the unknown setting 'name' for Columns"),
        (["--columns", "id=x"], "leave them out"),
        (["--size", "10"], "leave them out"),
        (["--stop-words", "absent.txt"], "absent.txt"),
        (["--k1", "much"], "try 'vizsla index --help'"),
        (["--nope"], "No such option"),
    ],
)
def test_a_wrong_flag_is_refused_in_one_line(
    call: Call, data: Path, tmp_path: Path, flags: list[str], wanted: str
) -> None:
    done = call("index", data, "--output", tmp_path / "i", *flags)
    assert done.code == 2
    assert wanted in done.err
    assert done.err.count("\n") == 1
    assert done.err.startswith("vizsla: ")
    assert not list(tmp_path.iterdir())


def test_columns_are_read_by_their_names(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("number,body,head\nx1,a vizsla points,Dogs\n", encoding="utf-8")
    flags = ["--columns", "id=number,text=body,title=head"]
    assert call("index", tmp_path / "a.csv", "--output", tmp_path / "i", *flags).code == 0
    assert call("search", tmp_path / "i", "dogs", "--json").out.startswith('{"query":"dogs","rank":1')


def test_texts_are_cut_by_size_and_overlap(call: Call, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_text(" ".join(f"w{i}" for i in range(40)), encoding="utf-8")
    assert call("index", tmp_path / "texts", "--output", tmp_path / "i", "--size", 10, "--overlap", 0).code == 0
    made = FrozenCollection.load(tmp_path / "i")
    assert len(made) == 4
    origins = made.manifest["made_from"]
    assert isinstance(origins, dict)
    assert [name for name in origins if name.endswith("texts, 1 files")]


def test_bad_records_are_said_and_counted_or_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "one"}\n{"id": "1", "text": "again"}\n', encoding="utf-8")
    done = call("index", tmp_path / "a.jsonl", "--output", tmp_path / "i")
    assert done.code == 0
    assert "1 duplicate_id" in done.out
    assert "vizsla: warning: " in done.err
    assert "a.jsonl:2" in done.err
    strict = call("index", tmp_path / "a.jsonl", "--output", tmp_path / "j", "--strict")
    assert strict.code == 2
    assert "a.jsonl:2: found '1', an id that was there before" in strict.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "i"]


def test_an_older_index_stays_where_the_new_one_fails(call: Call, data: Path, tmp_path: Path) -> None:
    call("index", data, "--output", tmp_path / "i")
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "one"}\nnot json\n', encoding="utf-8")
    done = call("index", tmp_path / "a.jsonl", "--output", tmp_path / "i")
    assert done.code == 2
    assert "a.jsonl:2" in done.err
    assert len(FrozenCollection.load(tmp_path / "i")) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "i"]


def test_what_is_no_index_is_never_replaced(call: Call, data: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    done = call("index", data, "--output", tmp_path)
    assert done.code == 2
    assert "nothing was changed" in done.err
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_the_index_says_what_it_was_made_from(data: Path, built: Path) -> None:
    import hashlib

    digest = hashlib.sha256((data / "corpus.jsonl").read_bytes()).hexdigest()
    assert FrozenCollection.load(built).manifest["made_from"] == {f"{data}/corpus.jsonl": f"sha256 {digest}"}


def test_what_a_folder_passes_over_is_said_once(call: Call, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/b.txt").write_text("the dog points at birds", encoding="utf-8")
    (tmp_path / "other.txt").write_text("two", encoding="utf-8")
    (tmp_path / "texts/a.txt").symlink_to(tmp_path / "other.txt")
    done = call("index", tmp_path / "texts", "--output", tmp_path / "i")
    assert done.code == 0
    assert done.err.count("a link that leads") == 1
    assert "1 link" in done.out
