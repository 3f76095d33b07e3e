"""Encoding to disk: a corpus of any size to stored vectors, in memory that does not grow, taken up where it was killed.

Knows encoders, corpora and shards. Since a text's output does not depend on its neighbours, what was interrupted ends
in the same vectors as what was not.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts
from vizsla.core.errors import ArtifactError, IncompatibleError, SettingsError
from vizsla.core.settings import to_mapping
from vizsla.data.corpus import Corpus
from vizsla.encoders.dense import DenseEncoder
from vizsla.encoders.shards import Column, Shards, taken_up
from vizsla.encoders.sparse import SparseEncoder
from vizsla.encoders.stored import DENSE, KIND, SPARSE, VERSION, Made, StoredVectors, digest_ids, digest_texts

Progress = Callable[[int, int], None]
Side = Literal["passages", "queries"]
SHARD = 512
"""Texts that a kill can cost, and that pass between two words of progress; as quick as ten times as many."""


def encode_to(
    folder: str | Path,
    encoder: DenseEncoder | SparseEncoder,
    corpus: Corpus,
    *,
    side: Side = "passages",
    shard: int = SHARD,
    progress: Progress | None = None,
) -> StoredVectors:
    """Encode a corpus into a folder.

    What a kill left is taken up after its last whole shard; vectors of the same texts by the same model that stand
    there already are returned as they are.

    Args:
        folder: where the vectors will stand.
        encoder: of `vizsla.load`.
        corpus: passages, or queries with their ids.
        side: which model encodes it.
        shard: texts between two points to which a kill can go back.
        progress: told how many texts are done, and of how many.

    Raises:
        SettingsError: a shard without texts, or another side.
        IncompatibleError: half-done work of another model or other texts at this place, or another artifact.
        OverloadedError: another process is encoding to this place.
        ArtifactError: the place cannot be written.
    """
    if shard < 1 or side not in ("passages", "queries"):
        raise SettingsError(f"found shard={shard}, side={side!r}; wanted at least 1 text, and 'passages' or 'queries'")
    target = Path(os.path.realpath(folder))
    made_from = {"ids": digest_ids(corpus), "texts": digest_texts(corpus)}
    made = _made(encoder, corpus, side)
    if there := _standing(target, made, made_from):
        return there
    what = {**to_mapping(made), "contract": encoder.contract.id, **made_from}
    columns = _columns(encoder)
    with taken_up(target, columns, what) as shards:
        _encode(encoder, corpus, shards, (side, shard, progress))
        settings = {**to_mapping(made), **shards.counts}
        with artifacts.draft(target, kind=KIND, version=VERSION, settings=settings, made_from=made_from) as draft:
            shards.finish(draft.folder)
    return StoredVectors.load(folder)


def _encode(
    encoder: DenseEncoder | SparseEncoder,
    corpus: Corpus,
    shards: Shards,
    how: tuple[Side, int, Progress | None],
) -> None:
    side, size, progress = how
    encode: Callable[[Any], Any] = encoder.encode_passages if side == "passages" else encoder.encode_queries
    if not shards.done and not isinstance(encoder, DenseEncoder) and not shards.rows("starts"):
        shards.append({"starts": np.zeros(1), "terms": np.zeros(0), "weights": np.zeros(0)}, texts=0, counts={})
    for start in range(shards.done, len(corpus), size):
        if progress is not None:
            progress(start, len(corpus))
        texts = corpus.texts(range(start, min(start + size, len(corpus))))
        before = encoder.truncated[side]
        rows = encode(texts)
        after = encoder.truncated[side]
        counts = {"cut": after.cut - before.cut, "cut_tokens": after.tokens - before.tokens}
        shards.append(_arrays(rows, shards), texts=len(texts), counts=counts)
    if progress is not None:
        progress(len(corpus), len(corpus))


def _arrays(rows: Any, shards: Shards) -> dict[str, npt.NDArray[Any]]:
    if isinstance(rows, np.ndarray):
        return {"vectors": rows}
    return {"starts": rows.indptr[1:] + np.int64(shards.rows("weights")), "terms": rows.indices, "weights": rows.data}


def _columns(encoder: DenseEncoder | SparseEncoder) -> tuple[Column, ...]:
    if isinstance(encoder, DenseEncoder):
        return tuple(Column(name, kind, encoder.dim) for name, kind in DENSE.items())
    return tuple(Column(name, kind) for name, kind in SPARSE.items())


def _made(encoder: DenseEncoder | SparseEncoder, corpus: Corpus, side: Side) -> Made:
    contract = {"id": encoder.contract.id, "parts": dict(encoder.contract.parts)}
    return Made(
        form="dense" if isinstance(encoder, DenseEncoder) else "sparse",
        side=side,
        size=len(corpus),
        dim=encoder.dim,
        dtype="float32",
        precision=encoder.precision,
        runtime=encoder.runtime,
        contract=contract,
    )


def _standing(target: Path, made: Made, made_from: dict[str, str]) -> StoredVectors | None:
    """What stands there, where it is what would be made."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return None
    found = artifacts.read_manifest(target)["kind"]
    if found != KIND:
        raise IncompatibleError(
            f"{target}: found an artifact of kind '{found}' where vectors would go; choose another place"
        )
    try:
        there = StoredVectors.load(target)
    except ArtifactError:
        return None  # damaged, or of another release: made again
    counted = {"cut": there.made.cut, "cut_tokens": there.made.cut_tokens}
    same = to_mapping(there.made) == {**to_mapping(made), **counted} and there.made_from == made_from
    return there if same else None
