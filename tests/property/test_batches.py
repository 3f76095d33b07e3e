"""Batches: every row exactly once, padded to its own bucket, whatever stands beside it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.core.protocols import TokenBatch
from vizsla.core.vectors import Dense
from vizsla.runtimes.batches import Budget, batches, run
from vizsla.runtimes.rows import TokenRows

LENGTHS = st.lists(st.integers(0, 40), max_size=40)
BUDGETS = st.builds(Budget, st.integers(1, 200), st.integers(1, 20), st.sampled_from([0, 40, 43]), st.integers(0, 9))


def rows(lengths: list[int]) -> TokenRows:
    draw, total = np.random.default_rng(len(lengths)), sum(lengths)
    ids, types = draw.integers(0, 99, total).astype(np.int32), draw.integers(0, 2, total).astype(np.int8)
    return TokenRows(ids, types, np.cumsum(lengths, dtype=np.int64), np.zeros(len(lengths), np.int32))


def row(made: TokenRows, position: int) -> tuple[list[int], list[int]]:
    start = int(made.ends[position - 1]) if position else 0
    part = slice(start, int(made.ends[position]))
    return made.ids[part].tolist(), made.types[part].tolist()


@settings(deadline=None)
@given(LENGTHS, BUDGETS)
def test_every_row_once_in_the_bucket_of_its_own_length(lengths: list[int], budget: Budget) -> None:
    made, seen, padding = rows(lengths), [], 0
    for positions, batch in batches(made, budget):
        width = batch.ids.shape[1]
        assert batch.ids.shape == batch.types.shape == batch.mask.shape == (len(positions), width)
        assert batch.ids.size <= budget.tokens or len(positions) == 1
        for i, position in enumerate(positions.tolist()):
            ids, types = row(made, position)
            rest = width - len(ids)
            bucket = max(1, -(-len(ids) // budget.width)) * budget.width
            assert width == (min(bucket, budget.longest) if budget.longest else bucket)
            assert batch.ids[i].tolist() == ids + [budget.pad] * rest
            assert batch.types[i].tolist() == types + [0] * rest
            assert batch.mask[i].tolist() == [1] * len(ids) + [0] * rest
            padding += rest
        seen += positions.tolist()
    assert sorted(seen) == list(range(len(lengths)))
    total = padding + sum(lengths)
    assert np.isclose(budget.waste(made), padding / total if total else 0)


class Seen:
    """A runtime whose output tells all that it saw of a row, padding included."""

    def run(self, batch: TokenBatch) -> Dense:
        places = np.arange(1, batch.ids.shape[1] + 1)
        return np.stack([((batch.ids + 1) * places).sum(1), batch.types @ places, batch.mask.sum(1)], 1).astype("f4")


@settings(deadline=None)
@given(LENGTHS.filter(bool), BUDGETS)
def test_a_row_is_seen_the_same_alone_and_among_others(lengths: list[int], budget: Budget) -> None:
    made = rows(lengths)
    together = run(Seen(), made, budget)
    for position in range(len(lengths)):
        ids, types = row(made, position)
        ends, cut = np.array([len(ids)]), np.zeros(1, np.int32)
        alone = TokenRows(np.array(ids, np.int32), np.array(types, np.int8), ends, cut)
        assert run(Seen(), alone, budget).tolist() == together[position : position + 1].tolist()
