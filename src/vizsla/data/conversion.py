"""Conversion: one format to another, record by record.

Passages, examples, weights and runs stream; queries and judgements are held, so that they can be told
apart by split. Knows which kinds two formats share. Refuses to know how a record is written.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Passage
from vizsla.data import judged
from vizsla.data.corpus import Corpus
from vizsla.data.detection import checked, detect, kind_of
from vizsla.data.examples import PlacedExample, with_texts
from vizsla.data.formats import irds
from vizsla.data.layouts import (
    EXAMPLES,
    JUDGEMENTS,
    KINDS,
    LAYOUTS,
    PASSAGES,
    QUERIES,
    Layout,
    Options,
    Outlet,
    Stream,
    target_of,
)
from vizsla.data.problems import Problems, shown
from vizsla.data.sources import distinct, read_passages

Told: TypeAlias = Callable[[int], None]
_Placed: TypeAlias = dict[str, judged.Texts]

_DEFAULT_SPLIT = "test"
_STREAMED = tuple(kind for kind in KINDS if kind not in (QUERIES, JUDGEMENTS))
_log = logging.getLogger("vizsla")


@dataclass(frozen=True, slots=True)
class ConversionSettings:
    """How one format becomes another.

    Attributes:
        source_format: a name of `LAYOUTS`; empty where the path says it for certain.
        target_format: a name of `LAYOUTS`; empty where the name's ending says it for certain.
        only: the one kind to convert; empty for all that both formats hold.
        split: the one split to convert, or the one that a source without splits is; empty for all.
        scale: what weights are multiplied by before they are rounded to whole numbers.
        corpus: a file or folder of passages whose texts examples name by id.
    """

    source_format: str = ""
    target_format: str = ""
    only: str = ""
    split: str = ""
    scale: float | None = None
    corpus: str | Path | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion did.

    Attributes:
        source_format: the format that was read.
        target_format: the format that was written.
        counts: records written, by kind.
        left_out: kinds that the source holds and the target cannot.
        problems: what was wrong with records, said and counted.
    """

    source_format: str
    target_format: str
    counts: dict[str, int]
    left_out: tuple[str, ...]
    problems: Problems = field(compare=False, repr=False)


def convert(
    source: str | Path,
    target: str | Path,
    settings: ConversionSettings | None = None,
    *,
    problems: Problems | None = None,
    on_progress: Told | None = None,
) -> Converted:
    """Convert a file, a folder or `ir_datasets:ID`; files that are written take the place of older ones.

    Raises:
        SettingsError: a format that is not certain, or two that share no kind of record.
        DataError: a record that is not one, or that the target cannot hold.
    """
    wanted, problems = settings or ConversionSettings(), problems or Problems()
    names = _formats(source, target, wanted)
    reading, writing = (LAYOUTS[name] for name in names)
    streams = reading.streams(Path(source), problems)
    if not (reading.is_folder or wanted.only):
        wanted = replace(wanted, only=kind_of(Path(source)) or "")
    chosen = _chosen(streams, reading, writing, wanted)
    work = _Work(Path(target), writing, Options(problems, wanted.scale), wanted, on_progress or (lambda _: None))
    counts = {
        kind: work.write_streamed(kind, chosen, streams)
        for kind in _STREAMED
        if any(one.kind == kind for one in chosen)
    }
    counts |= work.write_judged(chosen, streams)
    held = dict.fromkeys(one.kind for one in streams if reading.is_folder and not wanted.only)
    left_out = tuple(kind for kind in held if kind not in writing.outlets)
    if left_out:
        _log.warning("%s: left out %s, which %s cannot hold", source, " and ".join(left_out), names[1])
    return Converted(*names, counts, left_out, problems)


def _formats(source: str | Path, target: str | Path, wanted: ConversionSettings) -> tuple[str, str]:
    if wanted.only and wanted.only not in KINDS:
        raise SettingsError(f"found only {shown(wanted.only)}; wanted one of {', '.join(KINDS)}")
    if Path(source).exists() and Path(target).exists() and Path(source).samefile(target):
        raise SettingsError(f"found {source} as both ends; wanted another place to write to")
    target_format = wanted.target_format or target_of(Path(target))
    if target_format is None:
        known = ", ".join(name for name, one in LAYOUTS.items() if one.outlets)
        raise SettingsError(f"{target}: found no format in this name; name one of {known}")
    source_format = checked(wanted.source_format) if wanted.source_format else detect(source)
    if LAYOUTS[source_format].is_folder and not str(source).startswith(irds.PREFIX) and not Path(source).is_dir():
        raise DataError(f"{source}: is no folder; wanted one, as {source_format} is: check the path")
    return source_format, checked(target_format)


def _chosen(streams: list[Stream], reading: Layout, writing: Layout, wanted: ConversionSettings) -> list[Stream]:
    """The streams that both formats hold; a file on either side holds one kind."""
    found = [one for one in streams if one.kind in writing.outlets and wanted.only in ("", one.kind)]
    kinds = list(dict.fromkeys(one.kind for one in found))
    if not kinds:
        there = " and ".join(dict.fromkeys(one.kind for one in streams)) or "nothing"
        takes = " and ".join(writing.outlets) or "nothing"
        raise SettingsError(f"found {there} to read, and {takes} that can be written; wanted a kind that both hold")
    if len(kinds) > 1 and not (reading.is_folder and writing.is_folder):
        raise SettingsError(f"found {' and '.join(kinds)}, which one file cannot be at once; say which one to convert")
    kept = [one for one in found if not wanted.split or one.split in ("", wanted.split)]
    if not kept:
        splits = ", ".join(dict.fromkeys(one.split for one in found))
        raise SettingsError(f"found no split {shown(wanted.split)}; splits that are there: {splits}")
    return kept


@dataclass(frozen=True, slots=True)
class _Work:
    """The writing side of one conversion."""

    target: Path
    layout: Layout
    options: Options
    wanted: ConversionSettings
    told: Told

    def write_streamed(self, kind: str, chosen: list[Stream], streams: list[Stream]) -> int:
        """Write all records of a kind as they come."""
        outlet, count = self.layout.outlets[kind], 0
        for split, several in self._by_place(outlet, [one for one in chosen if one.kind == kind]).items():
            placed: Iterator[Any] = chain.from_iterable(one.read() for one in several)
            if kind == PASSAGES:
                found = distinct(placed, self.options.problems)
                count += self._write(outlet, split, found if outlet.metadata else self._bare(found))
                continue
            with tempfile.TemporaryDirectory() as place:
                if kind == EXAMPLES and outlet.texts:
                    placed = self._filled(placed, {one.split for one in several}, streams, Path(place))
                count += self._write(outlet, split, (record for record, _ in placed))
        return count

    def write_judged(self, chosen: list[Stream], streams: list[Stream]) -> dict[str, int]:
        """Write queries and judgements, by split where the target has splits."""
        problems, counts = self.options.problems, dict[str, int]()
        texts = {one.split: judged.texts(one.read(), problems) for one in chosen if one.kind == QUERIES}
        # Judgements tell queries apart even where the target cannot hold them.
        needed = [one for one in streams if one.kind == JUDGEMENTS and (one in chosen or "" in texts)]
        wanted = [one for one in needed if self.wanted.split in ("", one.split) or not one.split]
        grades = {one.split or self._split: judged.grades(one.read(), problems) for one in wanted}
        if texts:
            outlet = self.layout.outlets[QUERIES]
            counts[QUERIES] = sum(self._write(outlet, *one) for one in self._placed(texts, grades, outlet).items())
        if any(one.kind == JUDGEMENTS for one in chosen):
            outlet = self.layout.outlets[JUDGEMENTS]
            if len(grades) > 1 and outlet.place is None:
                raise SettingsError(f"found the splits {', '.join(grades)} for one file; wanted one: name the split")
            counts[JUDGEMENTS] = sum(self._write(outlet, *one) for one in grades.items())
        return counts

    @property
    def _split(self) -> str:
        return self.wanted.split or _DEFAULT_SPLIT

    def _by_place(self, outlet: Outlet, streams: list[Stream]) -> dict[str, list[Stream]]:
        found: dict[str, list[Stream]] = {}
        for one in streams:
            found.setdefault((one.split or self._split) if outlet.has_splits else "", []).append(one)
        return found

    def _placed(self, texts: _Placed, grades: dict[str, judged.Grades], outlet: Outlet) -> _Placed:
        """Queries by the split whose file takes them; the empty one where one file takes them all."""
        if "" in texts and grades and (outlet.has_splits or self.wanted.split):
            apart = judged.told_apart(texts[""], grades)
            if not self.wanted.split:
                for query in texts[""].keys() - set().union(*apart.values()):
                    self.options.problems.note("unjudged", str(self.target), query)
            texts = apart
        if outlet.has_splits:
            return {split or self._split: queries for split, queries in texts.items()}
        return {"": judged.merged(texts)}

    def _filled(
        self, placed: Iterator[PlacedExample], splits: set[str], streams: list[Stream], place: Path
    ) -> Iterator[PlacedExample]:
        """Examples with texts: from the corpus that is named, or from the folder that they stand in."""
        problems = self.options.problems
        if self.wanted.corpus is not None:
            passages = read_passages(self.wanted.corpus, problems=problems)
        else:
            own = [one for one in streams if one.kind == PASSAGES]
            first = next(placed, None)
            placed = chain([first] if first else [], placed)
            if not own or first is None or not first[0].lacks_texts:
                return placed
            passages = distinct(own[0].read(), problems)
        beside = [one for one in streams if one.kind == QUERIES and one.split in {"", *splits}]
        queries = judged.merged({one.split: judged.texts(one.read(), problems) for one in beside})
        return with_texts(placed, queries=queries, corpus=Corpus.build(passages, place / "corpus"), problems=problems)

    def _bare(self, passages: Iterator[Passage]) -> Iterator[Passage]:
        """Passages on their way to where metadata and parents have no place, which is said once."""
        said = False
        for one in passages:
            if not said and (one.metadata or one.parent):
                said = True
                advice = "only beir and jsonl keep them"
                _log.warning("%s: left out the passages' metadata and parents; %s", self.target, advice)
            yield one

    def _write(self, outlet: Outlet, split: str, records: Any) -> int:
        path = outlet.place(self.target, split) if outlet.place else self.target
        return outlet.write(path, records if isinstance(records, dict) else self._told(records), self.options)

    def _told(self, records: Iterator[Any]) -> Iterator[Any]:
        for record in records:
            self.told(1)
            yield record
