"""Fitting: a model and judged data to its calibration, on candidates of a run or of BM25.

Knows where candidates and texts come from. Refuses to know options.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vizsla.cli import terminal
from vizsla.core.errors import DataError, IncompatibleError

if TYPE_CHECKING:
    from vizsla.data.judgements import Judgements
    from vizsla.data.runs import Run
    from vizsla.evaluating.calibrating import CalibrationSettings
    from vizsla.models.contract import Contract
    from vizsla.retrievers.calibration import Calibration


def refuse_probabilities(model: str, contract: "Contract") -> None:
    """Refuse a model whose scores are probabilities already.

    Raises:
        IncompatibleError: they are.
    """
    if contract.score == "probability":
        wanted = "wanted logits to fit: --set activation=identity --set score=logit, where it has one label"
        raise IncompatibleError(f"{model}: found scores that are probabilities already; {wanted}")


def fitted(
    model: Any,
    where: tuple[Path, Path | None, int],
    judgements: "Judgements",
    wanted: "CalibrationSettings",
    named: str,
) -> "Calibration":
    """The calibration of a reranker or an encoder.

    Args:
        model: of `vizsla.load`.
        where: the judged folder, a run of candidates or none, and how many of a query.
        judgements: of the queries.
        wanted: how many queries, and what an unjudged passage counts as.
        named: what the judgements are, for the record.

    Raises:
        DataError: no candidate of a judged query, or none with a text.
    """
    from vizsla.cli.rerank import texts_of
    from vizsla.encoders.pairs import Similarity
    from vizsla.evaluating.calibrating import calibrate_run, draw
    from vizsla.evaluating.reranking import rerank_run

    data, run, k = where
    asked = {query: judgements.queries[query] for query in draw(judgements, wanted)}
    candidates = _candidates(data, run, asked, k)
    texts = texts_of(data, {passage for hits in candidates.rankings.values() for passage, _ in hits[:k]})
    reranker = model if hasattr(model, "score") else Similarity(model)
    with terminal.counted("scoring", len(candidates.rankings)) as count:
        scored = rerank_run(reranker, candidates, asked, texts, k=k, on_progress=count)
    return calibrate_run(scored, judgements, wanted, of={"contract": model.contract.id}, data=f"{named}, first {k}")


def _candidates(data: Path, run: Path | None, asked: dict[str, str], k: int) -> "Run":
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.data.runs import Run
    from vizsla.data.sources import read_passages
    from vizsla.evaluating.running import make_run

    if run is not None:
        read = Run.read(run)
        there = {query: hits for query, hits in read.rankings.items() if query in asked}
        if not there:
            raise DataError(f"{run}: found no judged query of this split; wanted a run of the queries to fit on")
        return Run(read.name, there)
    with tempfile.TemporaryDirectory(prefix="vizsla-") as folder:
        with terminal.progress() as show:
            built = FrozenCollection.build(read_passages(data), Path(folder) / "index", progress=show)
        return make_run(built.retriever, asked, built.corpus.ids, k=k, name="bm25")
