"""Windows: a long row of tokens as several rows that fit, each with the row's specials around it.

Knows rows and where the text of each begins and ends. Refuses to know texts, and what is made of the windows'
outputs.
"""

import numpy as np
import numpy.typing as npt

from vizsla.runtimes.rows import TokenRows

Ints = npt.NDArray[np.int64]
_OVERLAP = 4
_ENOUGH = 4


def cut(rows: TokenRows, before: Ints, after: Ints, length: int) -> tuple[TokenRows, Ints]:
    """Cut rows that are too long into windows over their text.

    As few as share at least a quarter of their text with the next, evenly spread, so that no sentence stands on an
    edge alone; the last one ends where the text does. Where what stands before and after leaves less than a quarter
    of the length to the text, a row has only its first window and the rest is counted as cut.

    Args:
        rows: uncut.
        before: tokens before each row's text, repeated in every window: (n,).
        after: tokens behind it, repeated too: (n,).
        length: most tokens of a window.

    Returns:
        The windows, and the row that each was cut from, rising.
    """
    lengths = rows.lengths()
    pieces: list[npt.NDArray[np.int64]] = []
    origin: list[int] = []
    lost: list[int] = []
    for row, (total, start) in enumerate(zip(lengths.tolist(), (rows.ends - lengths).tolist(), strict=True)):
        head, tail = int(before[row]), int(after[row])
        made, missing = _places(total, head, tail, length)
        pieces += [places + start for places in made]
        origin += [row] * len(made)
        lost += [missing] * len(made)
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    places = np.concatenate([np.zeros(0, np.int64), *pieces])
    return TokenRows(rows.ids[places], rows.types[places], ends, np.array(lost, np.int32)), np.array(origin, np.int64)


def _places(total: int, before: int, after: int, length: int) -> tuple[list[Ints], int]:
    """The places of each window's tokens within a row, and how many tokens stand in none."""
    every = np.arange(total)
    if total <= length:
        return [every], 0
    room = length - before - after
    if room < max(1, length // _ENOUGH):
        return [np.concatenate([every[: length - after], every[total - after :]])], total - length
    end = total - after
    spare = end - before - room
    steps = -(-spare // (room - room // _OVERLAP))
    starts = [before + spare * step // steps for step in range(steps + 1)]
    return [np.concatenate([every[:before], every[one : one + room], every[end:]]) for one in starts], 0
