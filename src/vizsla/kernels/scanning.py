"""UTF-8 bytes to numbered raw tokens: one pass, one table of tokens."""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled

# What a character is to the scanner; vizsla.text.characters makes the table.
SEPARATOR, LETTER, DIGIT, GRAM, COMPLEX, APOSTROPHE, POINT, OPEN, CLOSE, IGNORED = range(10)
# What a raw token is.
WORD, RUN, MARKED = range(3)
TABLE_SIZE = 0x10000
ASCII = 0x80
_EMPTY = -1


class Characters(NamedTuple):
    """What each character of the table becomes (uint32) and is (uint8), both (65536,)."""

    folds: Any
    kinds: Any


class RawTokens(NamedTuple):
    """Every raw token seen: an open-addressing table over an arena of code points.

    `slots` int32, a power of two of them; `hashes` uint64 and `types` uint8, one a token; `bounds`
    int64, one more than tokens; `arena` uint32; `used` is int64 [tokens, points].
    """

    slots: Any
    hashes: Any
    types: Any
    bounds: Any
    arena: Any
    used: Any


class Texts(NamedTuple):
    """Texts in one buffer of well-formed UTF-8 (uint8); `starts` and `ends` are int64, one a text."""

    data: Any
    starts: Any
    ends: Any


class Stream(NamedTuple):
    """Where tokens go: numbers (int32) and, where it has room, byte offsets (int64, two a token)."""

    tokens: Any
    spans: Any


@compiled
def decode(data: Any, at: int, end: int) -> tuple[int, int]:
    """One code point of well-formed UTF-8 and the offset behind it."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead, at + 1
    if lead < 0xE0 and at + 1 < end:
        return (lead & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F), at + 2
    if lead < 0xF0 and at + 2 < end:
        tail = (np.int64(data[at + 1]) & 0x3F) << 6 | (np.int64(data[at + 2]) & 0x3F)
        return (lead & 0x0F) << 12 | tail, at + 3
    if at + 3 < end:
        tail = (np.int64(data[at + 1]) & 0x3F) << 12 | (np.int64(data[at + 2]) & 0x3F) << 6
        return (lead & 0x07) << 18 | tail | (np.int64(data[at + 3]) & 0x3F), at + 4
    return 0, end


@compiled
def classify(point: int, kinds: Any) -> int:
    """What a code point is; beyond the table: ideographs, pictographs, and the rest complex."""
    if point < TABLE_SIZE:
        return np.int64(kinds[point])
    if 0x20000 <= point < 0x40000 and not 0x2F800 <= point < 0x2FA20:
        return GRAM
    return SEPARATOR if 0x1F300 <= point < 0x1FB00 else COMPLEX


@compiled
def find_complex(texts: Texts, kinds: Any) -> Any:
    """Which texts hold a mark, or a character whose normal form depends on its neighbours or is not one."""
    data, starts, ends = texts
    found = np.zeros(len(starts), np.bool_)
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        while at < end:
            if data[at] < 0x80:
                at += 1
                continue
            point, at = decode(data, at, end)
            kind = classify(point, kinds)
            if kind == COMPLEX or kind == OPEN or kind == CLOSE:
                found[row] = True
                break
    return found


@compiled
def find_token(word: Any, size: int, key: int, kind: int, raw: RawTokens) -> tuple[int, int]:
    """The token equal to this word, or -1, and the slot where the probing ended."""
    slots, hashes, types, bounds, arena, _ = raw
    mask = len(slots) - 1
    slot = np.int64(key & np.uint64(mask))
    while slots[slot] != _EMPTY:
        token = np.int64(slots[slot])
        start = bounds[token]
        if hashes[token] == key and types[token] == kind and bounds[token + 1] - start == size:
            same = True
            for i in range(size):
                same = same and arena[start + i] == word[i]
            if same:
                return token, slot
        slot = (slot + 1) & mask
    return np.int64(-1), slot


@compiled
def intern(word: Any, size: int, kind: int, raw: RawTokens) -> int:
    """The number of a raw token, a new one where it was never seen."""
    key = np.uint64(0x2545F4914F6CDD1D + kind)
    for i in range(size):
        key = (key ^ np.uint64(word[i])) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    token, slot = find_token(word, size, key, kind, raw)
    if token >= 0:
        return token
    token, start = raw.used[0], raw.used[1]
    for i in range(size):
        raw.arena[start + i] = word[i]
    raw.slots[slot] = token
    raw.hashes[token] = key
    raw.types[token] = kind
    raw.bounds[token + 1] = start + size
    raw.used[0] = token + 1
    raw.used[1] = start + size
    return np.int64(token)


@compiled
def rehash(hashes: Any, tokens: int, slots: Any) -> None:
    """Fill an empty slot table with the tokens that are known."""
    mask = len(slots) - 1
    for token in range(tokens):
        slot = np.int64(hashes[token] & np.uint64(mask))
        while slots[slot] != _EMPTY:
            slot = (slot + 1) & mask
        slots[slot] = token


@compiled
def joined(data: Any, at: int, end: int, last: int, kind: int, kinds: Any) -> int:
    """What an apostrophe or a point inside a word is: a letter, a digit, or an end."""
    if at < end:
        ahead, _ = decode(data, at, end)
        following = classify(ahead, kinds)
        following = LETTER if following == COMPLEX else following
        if following == last and last == (LETTER if kind == APOSTROPHE else DIGIT):
            return last
    return SEPARATOR


@compiled
def read_run(data: Any, at: int, end: int, characters: Characters, word: Any, places: Any) -> tuple[int, int, int]:
    """The next run of characters of one kind: letters and digits, or ideographs, or one mark.

    Writes folded code points to `word` and their byte offsets to `places` (one more than points).
    Returns the kind (SEPARATOR at the end of the text), the number of points, the offset behind.
    """
    folds, kinds = characters
    size, run, last, stop = 0, SEPARATOR, SEPARATOR, at
    while at < end:
        here = at
        point = np.int64(data[at])
        if point < ASCII:
            at += 1
            kind = np.int64(kinds[point])
        else:
            point, at = decode(data, at, end)
            kind = classify(point, kinds)
        if kind > DIGIT:
            if kind == IGNORED:
                continue
            if kind == APOSTROPHE or kind == POINT:
                kind = joined(data, at, end, last, kind, kinds)
            kind = LETTER if kind == COMPLEX else kind
        last, family = kind, LETTER if kind == DIGIT else kind
        if family != run and size > 0:
            at = here
            break
        if kind == SEPARATOR:
            continue
        run, stop = family, at
        word[size] = folds[point] if point < TABLE_SIZE else point
        places[size] = here
        size += 1
        if run == OPEN or run == CLOSE:
            break
    places[size] = stop
    return run, size, at


@compiled
def read_marked(data: Any, at: int, end: int, characters: Characters, word: Any) -> tuple[int, int]:
    """The folded code points between an opening mark and its closing one, and the latter's offset."""
    size = 0
    while at < end:
        here = at
        point, at = decode(data, at, end)
        if classify(point, characters.kinds) == CLOSE:
            return size, here
        word[size] = characters.folds[point] if point < TABLE_SIZE else point
        size += 1
    return size, end


@compiled
def put(stream: Stream, count: int, token: int, begin: int, end: int) -> int:
    """Append one token; returns the new count."""
    stream.tokens[count] = token
    if len(stream.spans):
        stream.spans[count, 0] = begin
        stream.spans[count, 1] = end
    return count + 1


@compiled
def put_grams(word: Any, size: int, places: Any, raw: RawTokens, stream: Stream, count: int) -> int:
    """Append every ideograph of a run and every pair of neighbours; returns the new count."""
    for i in range(size):
        if i > 0:
            count = put(stream, count, intern(word[i - 1 :], 2, RUN, raw), places[i - 1], places[i + 1])
        count = put(stream, count, intern(word[i:], 1, RUN, raw), places[i], places[i + 1])
    return count


@compiled
def scan(texts: Texts, characters: Characters, grams: bool, raw: RawTokens, stream: Stream, row_ends: Any) -> int:
    """Cut texts into raw tokens: words, ideographs with their pairs (or whole runs), marked phrases.

    A marked phrase is one token; its ideographs are tokens as well, its words are not. `row_ends`
    receives where each text's tokens end. Returns the number of tokens, never more than one a byte.
    """
    data, starts, ends = texts
    room = 1
    for row in range(len(starts)):
        room = max(room, ends[row] - starts[row] + 1)
    word, places = np.empty(room, np.uint32), np.empty(room + 1, np.int64)
    count = 0
    for row in range(len(starts)):
        at, end, unmarked = starts[row], ends[row], starts[row]
        while at < end:
            run, size, at = read_run(data, at, end, characters, word, places)
            if run == LETTER and places[0] >= unmarked:
                count = put(stream, count, intern(word, size, WORD, raw), places[0], places[size])
            elif run == GRAM and grams:
                count = put_grams(word, size, places, raw, stream, count)
            elif run == GRAM and places[0] >= unmarked:
                count = put(stream, count, intern(word, size, RUN, raw), places[0], places[size])
            elif run == OPEN:
                size, unmarked = read_marked(data, at, end, characters, word)
                if size > 0:
                    count = put(stream, count, intern(word, size, MARKED, raw), at, unmarked)
        row_ends[row] = count
    return count
