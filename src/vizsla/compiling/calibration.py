"""Calibration: what the products of a graph read on real texts, and the rounding that changes them least.

Knows token rows and the full-precision graph. Refuses to know where texts come from.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vizsla.core.errors import DataError
from vizsla.models import graph
from vizsla.models.description import Description
from vizsla.models.quantising import Floats, Product, Rounding, products, rounded_weights, weights_of, write_open
from vizsla.runtimes.batches import Budget, batches
from vizsla.runtimes.onnxruntime_session import OnnxRuntime
from vizsla.runtimes.rows import TokenRows

_SAMPLE = 512
"""Tokens whose values are kept of each input."""
_TOKENS = 1024
_SMOOTHINGS = (0.5, 0.65, 0.8)
_CLIPS = (0.9, 0.8, 0.7, 0.6)
_WORTH = 0.8
"""A smoothing must leave at most this share of the squared error: it costs a pass over the values."""
_OUTPUTS = 4096
"""Outputs that errors are summed over, evenly drawn: of a vocabulary's thirty thousand they choose the same."""
_TINY = 1e-5


@dataclass(slots=True)
class Seen:
    """What one input held on the calibration texts, padding left out.

    Attributes:
        low: each column's lowest value: (width,).
        high: its highest.
        sample: some tokens' values: (tokens, width).
    """

    low: Floats
    high: Floats
    sample: Floats


def calibrate(description: Description, rows: Sequence[TokenRows], *, seed: int = 0) -> dict[str, Rounding]:
    """The rounding of every product that runs once a token; those of pooled states stay as they are.

    Args:
        description: with its weights.
        rows: the tokens of calibration texts.
        seed: of the tokens that are drawn from them.

    Raises:
        DataError: no tokens.
        ArtifactError: the graph cannot be built.
    """
    model = graph.build(description)
    wanted = products(model)
    seen = _observe(description, wanted, rows, seed)
    kept = [product for product in wanted if product.values in seen]
    return {one.values: rounding(weights_of(model, one), seen[one.values]) for one in kept}


def rounding(weights: Mapping[str, Floats], seen: Seen) -> Rounding:
    """The rounding of one input whose products come nearest to the exact ones on the sample.

    Smoothing by s_c = max|x_c|^a / max|w_c|^(1 - a) moves a column's size from the input to the weights (Xiao et al.,
    SmoothQuant, 2023); a is searched, then how far the range is cut at both ends, by squared error.

    Args:
        weights: by name, each (width, outputs).
        seen: what the input held.
    """
    every = np.concatenate(list(weights.values()), axis=1)
    rows = np.maximum(np.abs(every).max(axis=1), _TINY)
    every = every[:, :: -(-every.shape[1] // _OUTPUTS)]
    wanted = seen.sample @ every
    best = _plain(seen, np.zeros(0, np.float32))
    least = unsmoothed = _error(best, seen, every, wanted)
    sizes = np.maximum(np.maximum(np.abs(seen.low), np.abs(seen.high)), _TINY)
    for power in _SMOOTHINGS:
        made = _plain(seen, (sizes**power / rows ** (1 - power)).astype(np.float32))
        error = _error(made, seen, every, wanted)
        if error < min(least, _WORTH * unsmoothed):
            best, least = made, error
    whole = best
    for clip in _CLIPS:
        made = Rounding(whole.low * clip, whole.high * clip, whole.smooth, {})
        error = _error(made, seen, every, wanted)
        if error < least:
            best, least = made, error
    return Rounding(best.low, best.high, best.smooth, dict(_shifts(best, seen, weights)))


def _plain(seen: Seen, smooth: Floats) -> Rounding:
    low, high = (seen.low / smooth, seen.high / smooth) if len(smooth) else (seen.low, seen.high)
    return Rounding(min(float(low.min()), 0.0), max(float(high.max()), 0.0), smooth, {})


def _product(made: Rounding, seen: Seen, weights: Floats) -> Floats:
    integers, scales = rounded_weights(weights * made.smooth[:, None] if len(made.smooth) else weights)
    product: Floats = made.apply(seen.sample) @ (integers * scales)
    return product


def _error(made: Rounding, seen: Seen, weights: Floats, wanted: Floats) -> float:
    return float(np.square(_product(made, seen, weights) - wanted).sum())


def _shifts(made: Rounding, seen: Seen, weights: Mapping[str, Floats]) -> Iterator[tuple[str, Floats]]:
    for name, values in weights.items():
        yield name, (seen.sample @ values - _product(made, seen, values)).mean(axis=0)


def _observe(
    description: Description, wanted: Sequence[Product], rows: Sequence[TokenRows], seed: int
) -> dict[str, Seen]:
    """What each product's input held; inputs that have no row a token are left out."""
    a, names = description.architecture, [one.values for one in wanted]
    budget = Budget(tokens=_TOKENS, longest=max(0, a.positions - a.first_position), pad=description.tokens.pad)
    total = sum(len(one.ids) for one in rows)
    if not total:
        raise DataError(f"{description.name}: found no tokens to calibrate with; wanted some hundred texts")
    draw = np.random.default_rng(seed)
    found: dict[str, list[Seen]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="vizsla-") as folder:
        runtime = OnnxRuntime(write_open(description, names, Path(folder)))
        for one in rows:
            for _, batch in batches(one, budget):
                mask = batch.mask.astype(bool)
                share = -(-_SAMPLE * int(mask.sum()) // total)
                tokens = draw.permutation(int(mask.sum()))[:share]
                outputs = runtime.outputs(batch)
                for name in names:
                    values = outputs[name]
                    if values.shape[:2] == mask.shape and values.ndim == mask.ndim + 1:
                        real = values[mask]
                        found[name].append(Seen(real.min(axis=0), real.max(axis=0), real[tokens]))
    return {name: _joined(parts) for name, parts in found.items() if parts}


def _joined(parts: Sequence[Seen]) -> Seen:
    low = np.min([one.low for one in parts], axis=0)
    high = np.max([one.high for one in parts], axis=0)
    return Seen(low, high, np.concatenate([one.sample for one in parts]))
