"""Pipelines: a whole search as one small expression, or as TOML.

    rrf(bm25, dense) >> rerank(minilm, depth=30)
    weighted(bm25=0.3, dense=0.7, norm=zscore) >> rerank(minilm, budget_ms=100, tail=cut) >> top(10)
    bm25 >> parents(max) >> min_score(4.5)

`parse` reads the expression, `str` writes its canonical form, which leaves out what is as usual; TOML
states every setting, so that what is stored keeps its meaning. Refuses to know collections.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from vizsla.core import settings
from vizsla.core.errors import SettingsError
from vizsla.core.settings import nearest
from vizsla.retrievers.steps import FUSINGS, MOST_NESTED, STEPS, Fusing, Kit, Pipeline, Step
from vizsla.retrievers.syntax import parse

__all__ = ["Kit", "Pipeline", "from_toml", "parse", "to_toml"]

_LONGEST = 1 << 16
_STAGE = "stage"
_KINDS: dict[str, type[Fusing | Step]] = {kind.word: kind for kind in (*FUSINGS, *STEPS)}


def to_toml(pipeline: Pipeline) -> str:
    """Write a pipeline as TOML: a table a step, the source first, every setting stated.

    >>> print(to_toml(parse("bm25 >> top(10)")), end="")
    [[steps]]
    kind = "stage"
    name = "bm25"
    <BLANKLINE>
    [[steps]]
    kind = "top"
    k = 10
    """
    tables = ["".join(f"{key} = {_written(value)}\n" for key, value in table.items()) for table in _tables(pipeline)]
    return "\n".join(f"[[steps]]\n{table}" for table in tables)


def from_toml(text: str) -> Pipeline:
    """Read a pipeline from TOML; settings that are left out are as usual.

    Raises:
        SettingsError: not TOML, longer than 64 KiB, an unknown key (the nearest is named), or a value that cannot be.
    """
    if len(text) > _LONGEST:
        raise SettingsError(f"found a pipeline of {len(text):,} characters; wanted at most {_LONGEST:,}")
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"found text that is not TOML: {error}; wanted [[steps]] and lines: key = value") from error
    return _pipeline(values, "the pipeline", MOST_NESTED)


def _tables(pipeline: Pipeline) -> list[dict[str, Any]]:
    source = pipeline.source
    first = {"kind": _STAGE, "name": source} if isinstance(source, str) else _table(source)
    return [first, *map(_table, pipeline.steps)]


def _table(step: Fusing | Step) -> dict[str, Any]:
    values = {each.name: getattr(step, each.name) for each in fields(step)}
    if "bases" in values:
        values["bases"] = [
            base.source if isinstance(base.source, str) and not base.steps else {"steps": _tables(base)}
            for base in values["bases"]
        ]
    return {"kind": step.word} | {key: value for key, value in values.items() if value is not None}


def _written(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_written(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _pipeline(values: Mapping[str, Any], where: str, nested: int) -> Pipeline:
    for key in values:
        if key != "steps":
            raise SettingsError(f"found the unknown key '{key}' in {where}; {nearest(key, ['steps'])}")
    tables = values.get("steps")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"found {where} without steps; wanted at least one table: [[steps]]")
    source, *steps = (_step(table, f"step {at} of {where}", nested) for at, table in enumerate(tables, 1))
    if not isinstance(source, str | Fusing):
        raise SettingsError(f"found {source} at the beginning of {where}; wanted a stage or a fusion")
    checked: list[Step] = []
    for at, step in enumerate(steps, 2):
        if not isinstance(step, Step):
            raise SettingsError(f"found {step} as step {at} of {where}; wanted a stage or a fusion only as the first")
        checked.append(step)
    return Pipeline(source, tuple(checked))


def _step(table: Mapping[str, Any], where: str, nested: int) -> str | Fusing | Step:
    given = {key: value for key, value in table.items() if key != "kind"}
    kind = table.get("kind")
    if kind == _STAGE:
        if set(given) != {"name"} or not isinstance(given["name"], str):
            raise SettingsError(f'found a stage with {", ".join(given) or "nothing"} in {where}; wanted name = "..."')
        return str(given["name"])
    if not isinstance(kind, str) or kind not in _KINDS:
        hint = nearest(str(kind), [_STAGE, *_KINDS])
        raise SettingsError(f"found the unknown kind {kind!r} in {where}; {hint}")
    if isinstance(given.get("bases"), list):
        given["bases"] = tuple(_base(base, where, nested) for base in given["bases"])
    try:
        return settings.from_mapping(_KINDS[kind], given)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None


def _base(base: object, where: str, nested: int) -> Pipeline:
    if isinstance(base, str):
        return Pipeline(base)
    if not isinstance(base, dict) or nested == 0:
        raise SettingsError(f"found {base!r} among the bases in {where}; wanted stages' names or {{steps = [...]}}")
    return _pipeline(base, f"a base in {where}", nested - 1)
