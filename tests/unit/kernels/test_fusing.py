import numpy as np

from vizsla.kernels import fusing

FAR = 1 << 40


def united(rows: list[list[int]], missing: list[float]) -> tuple[list[int], list[list[float]], list[list[bool]]]:
    positions = np.array([position for row in rows for position in row], np.int64)
    worth = np.arange(1, len(positions) + 1) / 8
    ends = np.cumsum([len(row) for row in rows])
    distinct, added, found = fusing.unite(positions, worth, np.array(missing), ends)
    return distinct.tolist(), added.tolist(), found.tolist()


def test_every_position_once_with_what_each_base_adds() -> None:
    assert united([[FAR, 3], [], [7, 3, FAR]], [-1.0, -2.0, -3.0]) == (
        [3, 7, FAR],
        [[0.25, -2.0, 0.5], [-1.0, -2.0, 0.375], [0.125, -2.0, 0.625]],
        [[True, False, True], [False, False, True], [True, False, True]],
    )


def test_nothing_found() -> None:
    assert united([[], []], [0.0, 0.0]) == ([], [], [])
    kept, sums = fusing.add_up(
        np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros((0, 2), np.bool_), np.array([1.0, 2.0])
    )
    assert (len(kept), kept.dtype, len(sums), sums.dtype) == (0, np.int64, 0, np.float32)


def test_sums_of_those_that_a_base_of_some_weight_found() -> None:
    found = np.array([[True, False], [False, True], [True, True]])
    worth = np.array([[0.1, -5.0], [0.2, 0.3], [0.4, 0.5]])
    kept, sums = fusing.add_up(np.array([4, 5, FAR]), worth, found, np.array([3.0, 0.0]))
    assert kept.tolist() == [4, FAR]
    assert sums.tolist() == [np.float32(0.0 + 3.0 * 0.1 + 0.0 * -5.0), np.float32(0.0 + 3.0 * 0.4 + 0.0 * 0.5)]
    kept, sums = fusing.add_up(np.array([4, 5, FAR]), worth, found, np.array([1.0, 2.0]))
    assert kept.tolist() == [4, 5, FAR]
    assert sums.tolist() == [np.float32(0.1 + 2.0 * -5.0), np.float32(0.2 + 2.0 * 0.3), np.float32(0.4 + 2.0 * 0.5)]
