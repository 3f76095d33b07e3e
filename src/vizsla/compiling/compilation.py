"""Compiling a model: lower precision, the gate, and layers that go back until it holds.

Knows the order of the work. Refuses to know how graphs are rounded and how rankings are judged.
"""

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from vizsla.compiling.calibration import calibrate
from vizsla.compiling.compiled import KIND, VERSION, Runner, Tower, Way, joined, running, write_tower
from vizsla.compiling.gate import Verdict, check_count, judge, refuse_open
from vizsla.compiling.judged_sample import JudgedSample, Sampling, read_sample
from vizsla.compiling.observing import candidates_of, observe
from vizsla.core.artifacts import check_target, draft
from vizsla.core.errors import SettingsError
from vizsla.models import cache, graph
from vizsla.models.description import Description, Towers
from vizsla.models.finding import Use, Wanted, find
from vizsla.models.model import Model, Side
from vizsla.models.quantising import Rounding, products, write_quantised
from vizsla.models.table import TokenTable
from vizsla.models.tokenizer import Tokenizer
from vizsla.runtimes.rows import TokenRows

_STEP = 8
"""A round gives back an eighth of the products."""
_ROUNDS = 4
_PROBES = 32
"""Texts on which the drift of each product is measured."""
_log = logging.getLogger("vizsla")
Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much (0 where it is not known)."""


def _silent(*_: object) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Checking:
    """What a model is checked on.

    Attributes:
        data: a judged folder.
        sampling: which split, and how much of it.
        calibration: passages to find scales on; None for the folder's own.
    """

    data: str | Path
    sampling: Sampling = field(default_factory=Sampling)
    calibration: str | Path | None = None


@dataclass(frozen=True, slots=True)
class Compilation:
    """What came of compiling a model.

    Attributes:
        verdict: of the gate; where it did not pass, nothing was written.
        restored: the products that went back to full precision, the most sensitive first.
        rounded: how many products are in int8.
        record: everything that the manifest says.
    """

    verdict: Verdict
    restored: tuple[str, ...]
    rounded: int
    record: Mapping[str, Any]


def compile_model(
    wanted: Wanted, way: Way, checking: Checking, folder: str | Path, *, progress: Progress = _silent
) -> Compilation:
    """Compile a model, judge it, and write it where it passes.

    Args:
        wanted: the model, as `vizsla.load` takes it.
        way: precision and runtime.
        checking: judged data.
        folder: where the compiled model will stand.
        progress: told what is done.

    Raises:
        DataError: too few queries to tell, or data that cannot be read.
        SettingsError: a model without a product to round.
        MissingExtraError: OpenVINO is not installed.
        ArtifactError: a model that cannot be read, or something else at `folder`.
    """
    way.check()
    check_target(Path(folder), KIND)
    found = find(wanted)  # before the data, so that a misspelt name is told at once
    progress("reading", 0, 0)
    sample = read_sample(checking.data, checking.sampling, calibration=checking.calibration)
    check_count(len(sample.judgements.queries))
    return compile_towers(found, way, sample, folder, progress=progress)


def compile_towers(
    model: tuple[Towers, Use], way: Way, sample: JudgedSample, folder: str | Path, *, progress: Progress = _silent
) -> Compilation:
    """As `compile_model`, from descriptions and a sample.

    Raises:
        DataError: too few queries to tell.
        SettingsError: a model without a product to round.
        MissingExtraError: OpenVINO is not installed.
        ArtifactError: something else at `folder`.
    """
    with tempfile.TemporaryDirectory(prefix="vizsla-") as scratch:
        work = _Work(model, way, sample, Path(scratch), progress)
        verdict = work.settle()
        record = work.record(verdict)
        if verdict.passed:
            with draft(folder, kind=KIND, version=VERSION, settings=record, made_from=record["weights"]) as unfinished:
                for side, description, path in work.parts():
                    write_tower(unfinished, side, description, path)
    return Compilation(verdict, tuple(work.restored), work.rounded, record)


class _Work:
    """One model being compiled: its towers in full precision, their roundings, and what was given back."""

    def __init__(
        self, model: tuple[Towers, Use], way: Way, sample: JudgedSample, scratch: Path, progress: Progress = _silent
    ) -> None:
        towers, use = model
        self._progress = progress
        self._use, self._way, self._sample, self._scratch = use, way, sample, scratch
        shared = towers.queries is towers.passages
        self._descriptions = {"passages": towers.passages} | ({} if shared else {"queries": towers.queries})
        self._full = {side: _full(each, use) for side, each in self._descriptions.items()}
        self._roundings = {side: self._calibrated(side) for side in self._running} if way.precision == "int8" else {}
        self._graphs: dict[str, Path] = {}
        self.restored: list[str] = []
        if way.precision == "int8" and not any(self._roundings.values()):
            raise SettingsError(f"{towers.passages.name}: found no product by weights to round; wanted a transformer")

    @property
    def rounded(self) -> int:
        """How many inputs of products are in int8."""
        return sum(map(len, self._roundings.values()))

    def settle(self) -> Verdict:
        """Judge, giving products back until the gate holds or half of them are back.

        Raises:
            DataError: too few queries to tell.
        """
        reference = self._joined(self._full)
        tell = partial(self._progress, "before")
        candidates = candidates_of(self._sample) if self._descriptions["passages"].head.kind == "score" else None
        seen = observe(reference, self._sample, candidates, tell)
        order: list[tuple[str, str, str]] = []
        for attempt in range(_ROUNDS + 1):
            tell = partial(self._progress, "after" if not attempt else f"after, {len(self.restored)} products back")
            verdict = judge(seen, observe(self._lower(), self._sample, candidates, tell), self._sample)
            last = not any(self._roundings.values()) or attempt == _ROUNDS
            if last or not attempt:
                refuse_open(verdict, len(self._sample.judgements.queries))
            if last or verdict.passed:
                break
            order = order or self._by_drift()
            step = max(1, -(-len(order) // _STEP))
            self._give_back(order[attempt * step : (attempt + 1) * step], verdict)
        return verdict

    def record(self, verdict: Verdict) -> dict[str, Any]:
        """Everything that the manifest says."""
        marks = {side: self._full[side].digest for side in self._full}
        weights = {"queries": marks.get("queries", marks["passages"]), "passages": marks["passages"]}
        found = self._joined(self._full).contract
        made = {"name": self._descriptions["passages"].name, "precision": self._way.precision}
        made |= {"runtime": self._way.runtime, "runtime_version": version(self._way.runtime)}
        said = {"shared": len(self._full) == 1, "use": asdict(replace(self._use, precision=self._way.precision))}
        contract = {"id": found.id, "parts": dict(found.parts)}
        verdicts = {"verdict": verdict.record(), "gate": self._sample.said}
        counts = {"rounded": self.rounded, "restored": list(self.restored)}
        return {**made, **said, "weights": weights, "contract": contract, **counts, **verdicts}

    def parts(self) -> list[tuple[str, Description, Path | None]]:
        """Each side with its description and its graph, None for a table of tokens' weights."""
        return [(side, each, self._graphs.get(side)) for side, each in self._descriptions.items()]

    @property
    def _running(self) -> list[str]:
        return [side for side, tower in self._full.items() if isinstance(tower, Model)]

    def _joined(self, towers: Mapping[str, Tower]) -> Runner:
        return joined(towers.get("queries", towers["passages"]), towers["passages"], self._use)

    def _lower(self) -> Runner:
        """The model as the roundings have it now."""
        towers: dict[str, Tower] = dict(self._full)
        for side in self._running:
            self._graphs[side] = self._graph(side, self._roundings.get(side, {}), self._scratch / side)
            towers[side] = self._started(side, self._graphs[side])
        return self._joined(towers)

    def _started(self, side: str, path: Path) -> Model:
        made = running(self._descriptions[side], path, self._way, self._use, self._full[side].digest)
        for one in made.truncated.values():
            one.told = True  # the model in full precision cut the same texts and said so
        return made

    def _graph(self, side: str, roundings: Mapping[str, Rounding], folder: Path) -> Path:
        description = self._descriptions[side]
        if self._way.precision != "int8":
            return cache.compiled(description, made_from=self._full[side].digest)
        return write_quantised(description, roundings, folder)

    def _calibrated(self, side: str) -> dict[str, Rounding]:
        self._progress("calibrating", 0, 0)
        return calibrate(self._descriptions[side], self._rows(side))

    def _rows(self, side: str) -> list[TokenRows]:
        """The tokens of the calibration texts that a tower reads."""
        tokenizer = Tokenizer(self._descriptions[side].tokens, self._descriptions[side].layout)
        return [getattr(tokenizer, kind)(texts) for kind, texts in self._texts(side)]

    def _texts(self, side: str) -> list[tuple[Side, Sequence[Any]]]:
        queries, passages = self._sample.calibration
        if self._descriptions[side].head.kind == "score":
            return [("pairs", list(zip(islice(cycle(queries), len(passages)), passages, strict=True)))]
        if len(self._full) == 1:
            return [("queries", queries), ("passages", passages)]
        return [("queries", queries)] if side == "queries" else [("passages", passages)]

    def _by_drift(self) -> list[tuple[str, str, str]]:
        """Every rounded product, (side, values, name), by how far it alone moves the output, the farthest first."""
        found: list[tuple[float, str, str, str]] = []
        for side, roundings in self._roundings.items():
            kind, texts = self._texts(side)[-1]
            exact = _outputs(self._full[side], texts[:_PROBES], kind)
            names = {one.values: one.name for one in products(graph.build(self._descriptions[side]))}
            for values, rounding in roundings.items():
                path = self._graph(side, {values: rounding}, self._scratch / "probe")
                moved = _outputs(self._started(side, path), texts[:_PROBES], kind) - exact
                drift = float(np.linalg.norm(moved) / max(float(np.linalg.norm(exact)), 1e-12))
                found.append((drift, side, values, names[values]))
                self._progress("measuring each product", len(found), self.rounded)
        return [(side, values, name) for _, side, values, name in sorted(found, reverse=True)]

    def _give_back(self, chosen: Sequence[tuple[str, str, str]], verdict: Verdict) -> None:
        for side, values, name in chosen:
            del self._roundings[side][values]
            self.restored.append(name if len(self._full) == 1 else f"{side}: {name}")
        _log.warning(
            "the gate does not hold (lower end of the interval: %+.4f): %d products go back to full precision, %d stay",
            *(verdict.low, len(chosen), self.rounded),
        )


def _full(description: Description, use: Use) -> Tower:
    if description.architecture.family == "static":
        return TokenTable(description)
    return Model(description, windows=use.windows == "max")


def _outputs(tower: Tower, texts: Sequence[Any], kind: Side) -> Any:
    made = np.zeros((len(texts), tower.width), np.float32)
    if isinstance(tower, Model):
        for positions, values in tower.outputs(texts, kind):
            made[positions] = values
    return made
