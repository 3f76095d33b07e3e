"""The names of the rocketqa library: `load_model`, `encode_query`, `encode_para`, `matching`.

Everything is encoded when it is asked for, all at once; what comes back is a generator because the library gives one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vizsla.assembly import load
from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Text
from vizsla.encoders.dense import DenseEncoder
from vizsla.models import registry
from vizsla.rerankers.cross_encoder import CrossEncoder as Reranker

_LAYOUT = "rocketqa"


def available_models() -> list[str]:
    """The names that `load_model` knows; those whose files are on no hub need a folder."""
    return [entry.name for entry in registry.entries() if entry.system == "rocketqa"]


def load_model(
    model: str | Path,
    use_cuda: bool = False,  # noqa: FBT001, FBT002  # the library's own argument, in its place
    device_id: int = 0,
    batch_size: int = 1,
    *,
    max_length: int | tuple[int, int] | None = None,
) -> "DualEncoder | CrossEncoder":
    """A model by its name, its folder, or the library's own `config.json`.

    Args:
        model: what to load.
        use_cuda: only False; models run on the processor here.
        device_id: of no use without CUDA.
        batch_size: of no use: batches are made by a budget of tokens, and no output depends on them.
        max_length: most tokens, or of a query and of a passage.

    Raises:
        SettingsError: CUDA, a name that nobody knows, or a model that is neither a dual encoder nor a cross encoder.
        ArtifactError: files that are missing or are not what they should be.
    """
    if use_cuda:
        raise SettingsError(
            f"found use_cuda={use_cuda!r}, device {device_id}; models run on the processor: leave it out"
        )
    if batch_size < 1:
        raise SettingsError(f"found batch_size={batch_size}; wanted at least 1")
    place = Path(model)
    loaded = load(place.parent if place.name == "config.json" else model, layout=_LAYOUT, max_length=max_length)
    return CrossEncoder(loaded) if isinstance(loaded, Reranker) else DualEncoder(loaded)


class DualEncoder:
    """A dual encoder under the library's names."""

    def __init__(self, encoder: DenseEncoder) -> None:
        self._encoder = encoder

    def encode_query(self, query: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
        """A vector a query."""
        yield from self._encoder.encode_queries(query)

    def encode_para(self, para: Sequence[str], title: Sequence[str] | None = None) -> Iterator[npt.NDArray[np.float32]]:
        """A vector a paragraph, its title in front where titles are given."""
        yield from self._encoder.encode_passages(_passages(para, title))

    def matching(
        self, query: Sequence[str], para: Sequence[str], title: Sequence[str] | None = None
    ) -> Iterator[float]:
        """The dot product of each query with the paragraph at its place.

        Raises:
            DataError: another number of queries than of paragraphs.
        """
        _check(query, para, "para")
        left = self._encoder.encode_queries(query)
        right = self._encoder.encode_passages(_passages(para, title))
        yield from np.einsum("nd,nd->n", left, right).tolist()


class CrossEncoder:
    """A cross encoder under the library's names."""

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker

    def matching(
        self, query: Sequence[str], para: Sequence[str], title: Sequence[str] | None = None
    ) -> Iterator[float]:
        """The score of each query with the paragraph at its place.

        Raises:
            DataError: another number of queries than of paragraphs.
        """
        _check(query, para, "para")
        yield from self._reranker.score(list(zip(query, _passages(para, title), strict=True))).tolist()


def _passages(para: Sequence[str], title: Sequence[str] | None) -> Sequence[Text]:
    if not title:
        return para
    _check(para, title, "title")
    return list(zip(title, para, strict=True))


def _check(one: Sequence[str], other: Sequence[str], what: str) -> None:
    if isinstance(one, str) or isinstance(other, str):
        raise DataError("found one text where lists were wanted; write ['...']")
    if len(one) != len(other):
        raise DataError(f"found {len(other)} in {what} for {len(one)}; wanted as many")
