"""Wrapping: where a line of mixed text ends, counted in terminal cells.

Latin words break at spaces, ideographs anywhere but before a closing mark and after an opening one.
rich takes a run of ideographs for one long word, hence this. Refuses to know colours.
"""

from rich.cells import get_character_cell_size

_NOT_FIRST = frozenset(",.;:!?)]}%，。、；：！？）】》」』〉”’…—～％")  # noqa: RUF001 - Chinese marks are meant
_NOT_LAST = frozenset("([{（【《「『〈“‘")  # noqa: RUF001 - as above


def breaks(text: str, cells: int) -> list[int]:
    """Where the second and every further line of a text begins, each line at most so many cells wide.

    A space that ends a line may hang over.

    >>> breaks("one two three", 8)
    [8]
    >>> breaks("买了鱼。", 6)
    [2]
    >>> breaks("a「、", 3)
    [1, 2]
    """
    found: list[int] = []
    start, best, width = 0, 0, 0
    for place, sign in enumerate(text):
        size = get_character_cell_size(sign)
        if place and _may_break(text[place - 1], sign):
            best = place
        if width + size > cells and sign != " ":
            start = best if best > start else place
            found.append(start)
            width = sum(map(get_character_cell_size, text[start:place]))
            if width + size > cells and start < place:  # marks that would rather stay together do not fit
                found.append(place)
                start, width = place, 0
        width += size
    return [place for place in found if place]


def _may_break(before: str, after: str) -> bool:
    if before == " ":
        return after != " "
    wide = get_character_cell_size(before) == 2 or get_character_cell_size(after) == 2
    return wide and before not in _NOT_LAST and after not in _NOT_FIRST and after != " "
