"""Rows cut into rectangles: lengths, budgets, padding, and the results put back."""

import numpy as np
import pytest

from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.protocols import TokenBatch
from vizsla.core.vectors import Dense
from vizsla.runtimes.batches import Budget, batches, run
from vizsla.runtimes.rows import TokenRows


def rows(*lengths: int) -> TokenRows:
    total = sum(lengths)
    ids, types = np.arange(1, total + 1, dtype=np.int32), np.ones(total, np.int8)
    return TokenRows(ids, types, np.cumsum(lengths, dtype=np.int64), np.zeros(len(lengths), np.int32))


class Sums:
    """A runtime whose output is known: the sum and the number of a row's tokens."""

    def run(self, batch: TokenBatch) -> Dense:
        return np.stack([(batch.ids * batch.mask).sum(1), batch.mask.sum(1)], axis=1).astype(np.float32)


def test_a_rectangle_holds_ids_types_and_mask_with_padding_behind() -> None:
    ((positions, batch),) = batches(rows(2, 3), Budget(width=4, pad=7))
    assert positions.tolist() == [0, 1]
    assert batch.ids.tolist() == [[1, 2, 7, 7], [3, 4, 5, 7]]
    assert batch.types.tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]
    assert batch.mask.tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]
    assert {batch.ids.dtype, batch.types.dtype, batch.mask.dtype} == {np.dtype(np.int64)}


def test_the_longest_come_first_and_no_batch_passes_the_budget() -> None:
    made = [(positions.tolist(), batch.ids.shape) for positions, batch in batches(rows(3, 9, 4, 1, 2), Budget(8, 4))]
    assert made == [([1], (1, 12)), ([0, 2], (2, 4)), ([3, 4], (2, 4))]


def test_no_row_is_padded_beyond_what_the_model_takes() -> None:
    budget = Budget(width=8, longest=10)
    assert budget.padded(rows(1, 9, 10)).tolist() == [8, 10, 10]
    with pytest.raises(ShapeError, match="row 1 of 11 tokens; this model takes 10: set max_length"):
        budget.padded(rows(3, 11))


def test_waste_is_the_share_of_padding() -> None:
    assert Budget(width=8).waste(rows(8, 4, 12)) == pytest.approx(1 - 24 / 32)


def test_results_stand_in_the_rows_order() -> None:
    assert run(Sums(), rows(3, 0, 9, 1), Budget(8, 4)).tolist() == [[6, 3], [0, 0], [72, 9], [13, 1]]


def test_rows_without_tokens_and_no_rows_at_all() -> None:
    assert run(Sums(), rows(0, 0), Budget(pad=5)).tolist() == [[0, 0], [0, 0]]
    assert run(Sums(), rows(), Budget()).shape == (0, 0)


@pytest.mark.parametrize("wrong", [{"tokens": 0}, {"width": 0}, {"longest": -1}])
def test_a_budget_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match=f"{next(iter(wrong))}={next(iter(wrong.values()))}"):
        Budget(**wrong)
