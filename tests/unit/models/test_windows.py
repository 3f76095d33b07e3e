"""Windows: every token of the text in one, in order, with what stands around it."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vizsla.models.windows import cut
from vizsla.runtimes.rows import TokenRows


def rows(lengths: list[int]) -> TokenRows:
    """Tokens numbered along each row."""
    ids = np.concatenate([np.zeros(0, np.int32), *(np.arange(n, dtype=np.int32) for n in lengths)])
    return TokenRows(
        ids, (ids % 2).astype(np.int8), np.cumsum(lengths, dtype=np.int64), np.zeros(len(lengths), np.int32)
    )


def pieces(made: TokenRows) -> list[list[int]]:
    return [part.tolist() for part in np.split(made.ids, made.ends[:-1])] if len(made) else []


@given(st.lists(st.integers(3, 60), max_size=5), st.integers(8, 20), st.integers(1, 4), st.integers(0, 2))
def test_windows_cover_the_text(lengths: list[int], length: int, before: int, after: int) -> None:
    lengths = [max(one, before + after) for one in lengths]
    n = len(lengths)
    made, origin = cut(rows(lengths), np.full(n, before), np.full(n, after), length)
    assert made.cut.tolist() == [0] * len(made)
    np.testing.assert_array_equal(made.types, made.ids % 2)
    assert origin.tolist() == sorted(origin.tolist())
    for row, total in enumerate(lengths):
        own = [piece for piece, one in zip(pieces(made), origin, strict=True) if one == row]
        assert all(len(piece) <= length for piece in own)
        assert all(piece[:before] == list(range(before)) for piece in own)
        assert all(piece[len(piece) - after :] == list(range(total - after, total)) for piece in own)
        assert {token for piece in own for token in piece} == set(range(total))
        if total > length:
            assert all(len(piece) == length for piece in own)
            shared = (length - before - after) // 4
            assert all(a[len(a) - after - 1] - b[before] >= shared - 1 for a, b in pairwise(own))


def test_what_fits_stays_as_it_is() -> None:
    made, origin = cut(rows([5, 8]), np.array([1, 1]), np.array([1, 1]), 8)
    assert pieces(made) == [list(range(5)), list(range(8))]
    assert origin.tolist() == [0, 1]


def test_neighbours_share_a_quarter() -> None:
    made, _ = cut(rows([16]), np.array([1]), np.array([1]), 10)
    assert pieces(made) == [[*range(9), 15], [0, *range(7, 15), 15]]
    made, _ = cut(rows([17]), np.array([1]), np.array([1]), 10)
    assert [piece[1] for piece in pieces(made)] == [1, 4, 8]


def test_too_little_room_is_cut_and_counted() -> None:
    made, origin = cut(rows([30]), np.array([9]), np.array([1]), 12)
    assert pieces(made) == [[*range(11), 29]]
    assert (made.cut.tolist(), origin.tolist()) == ([18], [0])
