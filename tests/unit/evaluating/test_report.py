"""Reports read back: JSON by json, Markdown and LaTeX by their separators, the terminal by its width."""

import io
import json
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from vizsla.data.judgements import Judgements
from vizsla.evaluating.compare import Comparison, compare
from vizsla.evaluating.measuring import Measured
from vizsla.evaluating.report import to_json, to_latex, to_markdown, to_terminal

ODD = "50% of_{a}|b & $c #d ~e ^f \\g [bold]h[/] <i>\n\x1b[31mred"
CHINESE = "怎么用Python读取一个很大的文件而不占用太多的内存并且不改变原来的编码格式也不依赖任何第三方的库呢"
COUNT = 6980


def measured(run: str, step: float) -> Measured:
    values = {f"query-{number:08}": min(1.0, (number % 11) * step) for number in range(COUNT)}
    return Measured(run, {"nDCG@10": values, "R(rel=2)@50": {query: value**2 for query, value in values.items()}})


def compared(**settings: object) -> Comparison:
    runs = [measured("bm25|lucene", 0.05), measured("splade_v3 with a long name", 0.1), measured("c", 0.0501)]
    texts = {query: ODD if number % 2 else CHINESE for number, query in enumerate(runs[0].queries)}
    return compare(runs, Judgements(queries=texts, grades={}), movers=3, **settings)  # type: ignore[arg-type]


def shown(result: Measured | Comparison, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(to_terminal(result))
    return capture.get().splitlines()


def test_json_of_a_measured_run_is_one_line_with_the_measures_on_top() -> None:
    result = Measured("bm25 中", {"RR@10": {"a": 1.0, "b": 1 / 3}}, without_hits=("b",), unjudged=("x", "y"))
    text = to_json(result)
    assert "\n" not in text
    assert text.isascii()
    assert json.loads(text) == {
        "RR@10": result.means["RR@10"],
        "queries": 2,
        "run": "bm25 中",
        "without_hits": 1,
        "unjudged": 2,
    }


def test_json_of_a_comparison_holds_all_of_it() -> None:
    result = compared(all_pairs=True, test="randomisation")
    plain = json.loads(to_json(result))
    assert "\n" not in to_json(result)
    assert (plain["runs"], plain["queries"], plain["test"]) == (list(result.runs), COUNT, "randomisation")
    assert plain["means"] == result.means
    for found, contrast in zip(plain["contrasts"], result.contrasts, strict=True):
        assert (found["p"], found["p_corrected"]) == (contrast.p, contrast.p_corrected)
        assert found["significant"] == result.significant(contrast)
        assert [mover["text"] for mover in found["movers"]] == [mover.text for mover in contrast.movers]


def test_markdown_tables_keep_their_cells() -> None:
    lines = to_markdown(compared()).splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("|")]
    tables = [index for index, row in enumerate(rows) if set("".join(row)) <= set(":- ")]
    assert len(tables) == 2 * (1 + 2)
    assert {len(row) for row in rows} == {5, 7}
    assert rows[0] == [" run ", " mean ", " diff ", " 95 % interval ", " p ", " p Holm ", " W/T/L "]
    assert rows[2][:2] == [r" bm25\|lucene ", " 0.2499 "]
    first = rows[3]
    assert first[0] == " splade_v3 with a long name ".replace("_", r"\_")
    assert first[2].endswith(r"\* ")
    assert not any("\x1b" in line for line in lines)


def test_latex_escapes_text_and_sets_numbers_in_mathematics() -> None:
    text = to_latex(compared(correction="bonferroni"))
    escaped = (
        r"50\% of\_\{a\}\textbar{}b \& \$c \#d \textasciitilde{}e \textasciicircum{}f \textbackslash{}g [bold]h[/]"
    )
    assert rf"& {escaped} \textless{{}}i\textgreater{{}} [31mred &" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {5, 7}
    assert len(re.findall(r"\$\+\.\d{4}\^\{\*\}\$", text)) == 2 * 2
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    for name in ("toprule", "midrule", "bottomrule", "begin{table}", "end{table}", "caption{"):
        assert text.count(rf"\{name}") == 2 * (1 + 2)


def test_the_terminal_fits_eighty_columns_and_cuts_no_number() -> None:
    for settings in ({}, {"all_pairs": True}, {"correction": "none"}):
        result = compared(**settings)
        lines = shown(result)
        assert max(cell_len(line.rstrip()) for line in lines) <= 80
        text = "\n".join(lines)
        assert "\x1b" not in text
        for contrast in result.contrasts:
            assert f"{contrast.wins}/{contrast.ties}/{contrast.losses}" in text
            assert f"[{contrast.low:+.4f}, {contrast.high:+.4f}]".replace("0.", ".") in text
        assert "[bold]" in "\n".join(shown(result, width=200))


def test_the_note_explains_the_marks() -> None:
    note = " ".join(" ".join(shown(compared())).split())
    assert "* p < 0.05 after the correction of Holm over 2 comparisons a measure: paired t-test, two-sided" in note
    assert "6,980 queries" in note
    assert "W/T/L: queries won, tied, lost" in note
    alone = compare([measured("a", 0.05), measured("b", 0.1)], Judgements(queries={}, grades={}))
    assert "correction" not in to_markdown(alone)
    assert "p Holm" not in to_markdown(alone)


def test_a_measured_run_says_what_did_not_count() -> None:
    result = Measured("a long name of a run", {"RR@10": {"a": 1.0, "b": 0.25}}, ("b",), ("x", "y"))
    for text in ("\n".join(shown(result)), to_markdown(result), to_latex(result)):
        assert re.search(r"RR@10\D+0\.6250", text)
        for words in ("a long name of a run", "over 2 judged queries", "counted as 0: 1.", "not counted: 2."):
            assert words in text
    assert "counted" not in to_markdown(Measured("r", {"AP": {"a": 1.0}}))


@pytest.mark.parametrize("write", [to_markdown, to_latex, to_json])
def test_nothing_is_printed(write: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(write)
    write(compared())
    to_terminal(compared())
    assert capsys.readouterr() == ("", "")
