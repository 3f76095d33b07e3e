"""Wishes: from flags and a TOML file to the settings of an index; flags win.

Knows which table holds what, and small files of words. Refuses to know what the settings do.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vizsla.core.errors import SettingsError
from vizsla.core.settings import from_mapping, nearest
from vizsla.data.columns import Columns
from vizsla.data.cutting import Cutting
from vizsla.data.opening import lines, whole
from vizsla.data.problems import Problems
from vizsla.data.records import decoded

TABLES = ("analyzer", "bm25", "index")


def index_settings(
    file: Path | None, flags: Mapping[str, Mapping[str, object]], *, known: Sequence[str] = TABLES
) -> Any:
    """The settings of an index, or of a collection, which knows fewer tables.

    Args:
        file: TOML with the tables [analyzer], [bm25] and [index]; None where there is none.
        flags: table to key to value; None stands for a flag that was not given.
        known: the tables that the file may have.

    Raises:
        SettingsError: an unknown table or key (the nearest known one is named), or a value of another type.
    """
    from vizsla.collections.frozen import IndexSettings
    from vizsla.encoders.bm25 import BM25
    from vizsla.text import languages
    from vizsla.text.settings import AUTO, AnalyzerSettings

    tables = _tables(file, known)
    try:
        for name, values in flags.items():
            tables[name] |= {key: value for key, value in values.items() if value is not None}
        memory_mib = tables["index"].get("memory_mib")
        if isinstance(memory_mib, int) and memory_mib < 1:
            raise SettingsError(f"found memory_mib = {memory_mib}; wanted at least 1")
        analyzer = from_mapping(AnalyzerSettings, tables["analyzer"])
        if analyzer.language != AUTO:
            languages.resolve(analyzer.language)  # refuse a wrong name now, not when all passages are read
        parts = {"analyzer": analyzer, "bm25": from_mapping(BM25, tables["bm25"])}
        return from_mapping(IndexSettings, {**tables["index"], **parts})
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}" if file else str(error)) from None


def columns(text: str | None) -> Columns | None:
    """Columns from `id=number,title=name,text=body`.

    Raises:
        SettingsError: not pairs, or another key than these three.
    """
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(key and equals and value for key, equals, value in pairs):
        raise SettingsError(f"found --columns '{text}'; wanted pairs such as id=number,title=name,text=body")
    return from_mapping(Columns, {key.strip(): value.strip() for key, _, value in pairs})


def cutting(size: int | None, overlap: int | None) -> Cutting | None:
    """How texts are cut; an overlap that is not given is a fifth of the size."""
    if size is None and overlap is None:
        return None
    words = Cutting().size if size is None else size
    return Cutting(words, words // 5 if overlap is None else overlap)


def words(file: Path | None) -> tuple[str, ...] | None:
    """The words of a file, one a line; None where no file is given.

    Raises:
        DataError: the file is not there or not UTF-8.
    """
    if file is None:
        return None
    strict = Problems(strict=True)
    found = ((decoded(line, f"{file}:{number}", strict) or "").strip() for number, line in lines(file))
    return tuple(word for word in found if word)


def synonyms(file: Path | None) -> tuple[tuple[str, ...], ...] | None:
    """Groups of a file, one a line with commas between; None where no file is given.

    Raises:
        DataError: the file is not there or not UTF-8.
    """
    groups = words(file)
    return None if groups is None else tuple(tuple(filter(None, map(str.strip, one.split(",")))) for one in groups)


def _tables(file: Path | None, known: Sequence[str]) -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {name: {} for name in TABLES}
    if file is None:
        return tables
    try:
        found = tomllib.loads(decoded(whole(file), str(file), Problems(strict=True)) or "")
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: found text that is not TOML: {error}; wanted tables such as [bm25]") from None
    for name, values in found.items():
        if name not in known or not isinstance(values, dict):
            raise SettingsError(f"{file}: found '{name}', which is no table of settings here; {nearest(name, known)}")
        if name == "index" and (misplaced := [key for key in values if key in TABLES]):
            raise SettingsError(
                f"{file}: found '{misplaced[0]}' in [index]; wanted a table [{misplaced[0]}] of its own"
            )
        tables[name] |= values
    return tables
