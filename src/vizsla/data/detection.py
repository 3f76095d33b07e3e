"""Detection: a path to the name of its format, where that is certain.

Knows the layouts of folders, endings, names and first lines. Refuses to guess: what could be two
formats is none.
"""

from pathlib import Path

from vizsla.core.errors import SettingsError
from vizsla.data.formats import irds, jsonl
from vizsla.data.layouts import JUDGEMENTS, LAYOUTS, PASSAGES, QUERIES, target_of
from vizsla.data.opening import bare_suffix, lines
from vizsla.data.problems import Problems, shown
from vizsla.data.sources import layout_of

_FOLDERS = {"BEIR": "beir", "T2Ranking": "t2ranking", "Multi-CPR": "multicpr", "DuReader-retrieval": "dureader"}
# The first format whose keys all stand in the first object.
_KEYS: tuple[tuple[frozenset[str], str], ...] = tuple(
    (frozenset(keys.split()), name)
    for keys, name in (
        ("query pos neg", "flagembedding"),
        ("query positive_passages", "tevatron"),
        ("query_text positive_document_ids", "tevatron-ids"),
        ("question answer_paragraphs", "dureader-questions"),
        ("id vector", "pyserini-vectors"),
        ("id contents", "pyserini"),
        ("docid text", "tevatron-corpus"),
        ("docid document_text", "tevatron-corpus"),
        ("_id text", "jsonl"),
        ("id text", "jsonl"),
    )
)
_NAMES = (
    ("qrels.retrieval", None),
    ("qrels", "trec-qrels"),
    ("top1000", "msmarco-top1000"),
    ("triples", "msmarco-triples"),
    ("collection.tsv", "msmarco"),
)
_KINDS = (("collection", PASSAGES), ("corpus", PASSAGES), ("queries", QUERIES), ("qrels", JUDGEMENTS))
_RUN_COLUMNS = 6


def detect(path: str | Path) -> str:
    """The name of the format of a file, a folder or `ir_datasets:ID`.

    Raises:
        SettingsError: it is not certain; names the formats there are.
        DataError: the file cannot be read.
    """
    name = _detected(Path(path)) if not str(path).startswith(irds.PREFIX) else "ir_datasets"
    if name is None:
        raise SettingsError(f"{path}: found no format for certain; name one of {', '.join(LAYOUTS)}")
    return name


def kind_of(path: Path) -> str | None:
    """The kind of record that a file's name says it holds; None where it says none."""
    name = path.name.lower()
    return next((kind for start, kind in _KINDS if name.startswith(start)), None)


def _detected(path: Path) -> str | None:
    if path.is_dir():
        layout = layout_of(path)
        parquet = "parquet" if next(path.glob("*.parquet"), None) else None
        return _FOLDERS[layout.name] if layout else parquet
    suffix = bare_suffix(path)
    if target_of(path):
        return target_of(path)
    if suffix in (".jsonl", ".ndjson", ".json"):
        return _by_keys(path)
    for start, name in _NAMES:
        if path.name.lower().startswith(start):
            return name
    return "table" if suffix == ".csv" else _by_columns(path)


def _by_keys(path: Path) -> str | None:
    _, values, _ = next(jsonl.objects(path, problems=Problems(quiet=True)), (0, {}, ""))
    if len(values) == 1 and next(iter(values)) in ("index", "create"):
        return "bulk"
    return next((name for keys, name in _KEYS if keys <= values.keys()), None)


def _by_columns(path: Path) -> str | None:
    first = next((line for _, line in lines(path)), b"")
    if b"text" in first.split(b"\t"):
        return "table"
    fields = first.split()
    return "trec-run" if len(fields) == _RUN_COLUMNS and fields[1] == b"Q0" else None


def checked(name: str) -> str:
    """The name itself.

    Raises:
        SettingsError: no format has it.
    """
    if name not in LAYOUTS:
        raise SettingsError(f"found the format {shown(name)}; wanted one of {', '.join(LAYOUTS)}")
    return name
