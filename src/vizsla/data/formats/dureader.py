"""DuReader-retrieval: passages in parts of four columns and maps of ids, questions in JSONL, runs in one JSON object.

`passage-collection/part-00` and on hold `- title text -`, their ids stand in passage2id.map.json by the
number of the line over all parts. `{split}/q2qid.{split}.json` maps a question to its id, and
`{split}/{split}.json` holds a question and its answers a line. Knows this layout, both ways.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example, PlacedExample, require_texts
from vizsla.data.formats import jsonl, tsv
from vizsla.data.formats.trec import RunLine
from vizsla.data.opening import LINE_LIMIT_BYTES, blocks, find, whole, writing
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedGrade, PlacedPassage, PlacedQuery, encoded, is_empty, joined, make_id, make_text

PASSAGES, MAP = "passage-collection", "passage2id.map.json"
NEGATIVES = ("negative_paragraphs", "hard_negatives")
_ROW = "nothing, title, passage, nothing"
_TEXT = rb'"((?:[^"\\\x00-\x1f]|\\.)*)"'
_PAIR = re.compile(rb"\s*" + _TEXT + rb"\s*:\s*" + _TEXT + rb"\s*([,}])")
_NO_TITLE = ("", "-")


def is_folder(path: str | Path) -> bool:
    """Whether a folder has this layout: parts, and the map of their lines."""
    return bool(corpus_files(path)) and find(Path(path) / PASSAGES, MAP) is not None


def corpus_files(folder: str | Path) -> list[Path]:
    """The parts of the collection in their order."""
    return sorted(path for path in (Path(folder) / PASSAGES).glob("part-*") if path.is_file())


def question_files(folder: str | Path) -> list[tuple[str, str, Path]]:
    """The files of questions that are there: `map` or `answers`, the split, and the path."""
    found = []
    for place in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
        for kind, name in (("map", f"q2qid.{place.name}.json"), ("answers", f"{place.name}.json")):
            path = find(place, name)
            found += [(kind, place.name, path)] if path else []
    return found


def read_passages(folder: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of all parts, with its place and the id that the map gives its line.

    Raises:
        DataError: no parts or no map, a line of another number of columns, or a map of other lines.
    """
    place = Path(folder) / PASSAGES
    parts = corpus_files(folder)
    map_ = find(place, MAP)
    if not parts or map_ is None:
        raise DataError(
            f"{place}: found {len(parts)} parts and {map_ or 'no ' + MAP}; wanted part-00 and on, and the map"
        )
    ids = enumerate(pairs(map_))
    # A line that is not UTF-8 has its number too.
    for line, where in chain.from_iterable(tsv.all_rows(path, _ROW, problems=problems) for path in parts):
        number, (key, id_) = next(ids, (0, ("", "")))
        if key != str(number):
            raise DataError(
                f"{map_}: found the key {shown(key)} for {where}; wanted the lines' numbers from 0 in their order"
            )
        if line is None:
            continue
        _, title, text, _ = line
        passage = Passage(make_id(id_, where), text, "" if title in _NO_TITLE else title)
        if is_empty(text, passage.title):
            problems.note("empty", where, id_)
        else:
            yield passage, where


def read_queries(path: str | Path, *, problems: Problems) -> Iterator[PlacedQuery]:
    """Every question of a map from questions to ids (`q2qid.dev.json`), with its place.

    Raises:
        DataError: no JSON object of strings.
    """
    for text, id_ in pairs(path):
        if is_empty(text):
            problems.note("empty_query", str(path), id_)
        yield make_id(id_, str(path)), text, str(path)


def read_judgements(path: str | Path, *, problems: Problems) -> Iterator[PlacedGrade]:
    """Every answer of a file of questions (`dev.json`) as a judgement of grade 1, with its place.

    Raises:
        DataError: a line that is not such an object, or an answer without an id.
    """
    for example, where in read_examples(path, problems=problems):
        for passage in example.positives:
            yield make_id(example.query_id, where), make_id(passage.id, where), 1, where


def read_examples(path: str | Path, *, problems: Problems) -> Iterator[PlacedExample]:
    """Every question with its answers and, where they are listed, its negatives, with its place.

    Raises:
        DataError: a line that is not such an object.
    """
    for _, values, where in jsonl.objects(path, problems=problems):
        query = make_text(jsonl.value_of(values, "question", where), where, "question")
        if is_empty(query):
            problems.note("empty_query", where, query)
        id_ = values.get("question_id")
        yield (
            Example(
                query,
                tuple(_paragraphs(jsonl.value_of(values, "answer_paragraphs", where), where, problems)),
                tuple(_paragraphs(next((values[key] for key in NEGATIVES if key in values), []), where, problems)),
                query_id="" if id_ is None else make_id(id_, where),
            ),
            where,
        )


def read_run(path: str | Path) -> Iterator[tuple[RunLine, str]]:
    """Every passage of a submission, `{query id: [passage id, ...]}`; the score falls by one a rank.

    Raises:
        DataError: not such an object.
    """
    tag = "_".join(Path(path).name.partition(".")[0].split()) or "run"
    for query, ranking in _object(path).items():
        if not isinstance(ranking, list):
            raise DataError(f"{path}: found {shown(ranking)} for the query {shown(query)}; wanted a list of ids")
        for rank, passage in enumerate(ranking, 1):
            id_ = make_id(passage, str(path))
            yield RunLine(make_id(query, str(path)), id_, rank, float(-rank), tag), f"{path}: query {shown(query)}"


def write_run(path: str | Path, run: Iterable[RunLine]) -> int:
    """Write a submission; a query's lines stand in rank order; returns how many passages."""
    rankings: dict[str, list[str]] = {}
    for line in run:
        rankings.setdefault(line.query, []).append(line.passage)
    jsonl.write_objects(path, [rankings])
    return sum(map(len, rankings.values()))


def write_passages(folder: str | Path, passages: Iterable[Passage], *, problems: Problems) -> int:
    """Write one part and the map of its lines; returns how many passages.

    Raises:
        DataError: text that UTF-8 cannot hold, or a folder that cannot be written.
    """
    place, number = Path(folder) / PASSAGES, -1
    with ExitStack() as files:
        part, map_ = (files.enter_context(writing(place / name)) for name in ("part-00", MAP))
        for number, one in enumerate(passages):
            title, text = (tsv.on_one_line(text, one.id, problems) for text in (one.title or "-", one.text))
            part.write(encoded(f"-\t{title}\t{text}\t-\n", one.id))
            encoded(one.id, str(place))
            map_.write((b", " if number else b"{") + orjson.dumps(str(number)) + b": " + orjson.dumps(one.id))
        map_.write(b"{}" if number < 0 else b"}")
    return number + 1


def write_queries(path: str | Path, queries: Mapping[str, str]) -> int:
    """Write the map from questions to ids; returns how many.

    Raises:
        DataError: two queries of one text, which the map cannot hold.
    """
    ids: dict[str, str] = {}
    for id_, text in queries.items():
        if text in ids:
            raise DataError(
                f"{path}: found the queries {shown(ids[text])} and {shown(id_)} of one text; wanted each text once"
            )
        ids[text] = id_
    jsonl.write_objects(path, [ids])
    return len(ids)


def write_examples(path: str | Path, examples: Iterable[Example]) -> int:
    """Write a question with its answers and negatives a line; returns how many.

    Raises:
        DataError: an example without texts.
    """
    return jsonl.write_objects(path, (_question(require_texts(one, str(path))) for one in examples))


def pairs(path: str | Path) -> Iterator[tuple[str, str]]:
    """Every key and value of one JSON object of strings, in the file's order, without holding the file.

    Raises:
        DataError: anything else than such an object.
    """
    kept, closed, seen = b"", False, False
    for block in blocks(path):
        kept += block
        if not seen:
            kept = kept.removeprefix(b"\xef\xbb\xbf").lstrip()
            seen = kept[:1] == b"{"
            kept = kept[1:] if seen else kept
        end = 0
        while seen and not closed and (match := _PAIR.match(kept, end)):
            closed, end = match[3] == b"}", match.end()
            yield _string(match[1], path), _string(match[2], path)
        kept = kept[end:]
        if len(kept) > LINE_LIMIT_BYTES:
            break
    empty = seen and not closed and kept.strip() == b"}"
    if not empty and not (closed and not kept.strip()):
        raise DataError(f"{path}: found {shown(kept)}; wanted one JSON object whose keys and values are strings")


def _string(value: bytes, path: str | Path) -> str:
    try:
        text: str = orjson.loads(b'"' + value + b'"')
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: found {shown(value)}, which is no string ({error}); wanted JSON in UTF-8") from None
    return text


def _object(path: str | Path) -> dict[str, Any]:
    try:
        found = orjson.loads(whole(path))
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: found no JSON ({error}); wanted one JSON object") from None
    if type(found) is not dict:
        raise DataError(f"{path}: found {shown(found)}; wanted one JSON object")
    return found


def _paragraphs(values: object, where: str, problems: Problems) -> Iterator[Passage]:
    if not isinstance(values, list) or not all(type(one) is dict for one in values):
        raise DataError(f'{where}: found {shown(values)}; wanted a list of {{"paragraph_id", "paragraph_text"}}')
    for one in values:
        id_ = one.get("paragraph_id")
        text = make_text(jsonl.value_of(one, "paragraph_text", where), where, "paragraph_text")
        if is_empty(text):
            problems.note("empty", where, id_)
        else:
            yield Passage("" if id_ in (None, "") else make_id(id_, where), text)


def _question(example: Example) -> dict[str, Any]:
    sides = (("answer_paragraphs", example.positives), (NEGATIVES[0], example.negatives))
    lists = {
        key: [{"paragraph_id": one.id, "paragraph_text": joined(one)} for one in passages] for key, passages in sides
    }
    return {"question_id": example.query_id or None, "question": example.query, **lists}
