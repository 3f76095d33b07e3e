"""Texts and pairs to rows of tokens, as the model's own tool makes them.

Knows prompts, titles, segments, specials and truncation. Refuses to know batches and padding. Token ids
come from the `tokenizers` library, on all cores; rows are put together here, all at once.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Text
from vizsla.models.description import Layout, Tokens
from vizsla.models.parsed import opened
from vizsla.models.segments import Segments, rows, side_by_side
from vizsla.runtimes.rows import TokenRows

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

_BLOCK = 1 << 20
"""Characters at once: the library keeps some 400 bytes a token until they are done."""
_LONG = 1 << 16
"""Longer texts are tokenized in parts, where that is the same."""
_BETWEEN = re.compile("(?<=[ \u4e00-\u9fff])(?=[a-zA-Z0-9\u4e00-\u9fff])")


class Tokenizer:
    """Makes rows of tokens for queries, passages and pairs by one layout.

    Raises:
        SettingsError: a layout that is not one, or lengths with no room for the specials.
    """

    def __init__(self, tokens: Tokens, layout: Layout) -> None:
        _check(layout)
        self._tokens, self._layout = tokens, layout
        self._library = opened(tokens.json)
        self._parts_at_words = _words_stand_alone(self._library)
        self.queries([""])
        self.passages([""])

    def queries(self, texts: Sequence[str]) -> TokenRows:
        """One row a query, cut to the query length.

        Raises:
            DataError: a query is not text.
        """
        cleaned = self._cleaned(_strings(texts, "query"), self._layout.query_prompt)
        return self._alone(self._segments(cleaned), self._layout.query_length)

    def passages(self, passages: Sequence[Text]) -> TokenRows:
        """One row a passage, cut to the passage length.

        Raises:
            DataError: a passage is neither text nor a pair of title and text.
        """
        layout = self._layout
        if layout.titles != "segment":
            return self._alone(self._bodies(passages), layout.passage_length)
        titles, texts = zip(*_apart(passages), strict=True) if len(passages) else ((), ())
        parts = [self._cleaned(titles, layout.passage_prompt), self._cleaned(texts)]
        return self._rows([self._segments(part) for part in parts], layout.passage_length)

    def pairs(self, pairs: Sequence[tuple[str, Text]]) -> TokenRows:
        """One row a (query, passage), cut to the passage length, the longer text first.

        Raises:
            DataError: a pair is not one, or holds something that is not text.
            SettingsError: the layout gives titles a segment of their own, and a row has but two.
        """
        if self._layout.titles == "segment":
            raise SettingsError('found titles = "segment" for pairs; wanted "joined", "tokens" or "none"')
        for place, pair in enumerate(pairs):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise DataError(f"found {pair!r:.80} as pair {place}; wanted (query, passage)")
        queries = _strings([query for query, _ in pairs], "query")
        places = {query: place for place, query in enumerate(dict.fromkeys(queries))}  # one is asked of many passages
        first = self._segments(self._cleaned(places, self._layout.query_prompt))
        first = first.take(np.array([places[query] for query in queries], np.int64))
        return self._rows([first, self._bodies([passage for _, passage in pairs])], self._layout.passage_length)

    def _bodies(self, passages: Sequence[Text]) -> Segments:
        """Passages with their titles as one segment each."""
        apart, prompt = _apart(passages), self._layout.passage_prompt
        if self._layout.titles == "tokens":
            titles = self._segments(self._cleaned([title for title, _ in apart], prompt))
            return side_by_side([titles, self._segments(self._cleaned([text for _, text in apart]))])[0]
        if self._layout.titles == "none":
            return self._segments(self._cleaned([text for _, text in apart], prompt))
        return self._segments(self._cleaned([" ".join(filter(None, both)) for both in apart], prompt))

    def _alone(self, made: Segments, length: int) -> TokenRows:
        empty = [Segments.constant(len(made), [])] if self._layout.empty_first else []
        return self._rows([*empty, made], length)

    def _rows(self, texts: Sequence[Segments], length: int) -> TokenRows:
        return rows(texts, self._tokens, self._layout, length)

    def _cleaned(self, texts: Iterable[str], prompt: str = "") -> list[str]:
        layout, made = self._layout, [prompt + text for text in texts] if prompt else list(texts)
        made = [text.strip() for text in made] if layout.strip else made
        made = [text.replace(" ", "") for text in made] if layout.remove_spaces else made
        return [text.lower() for text in made] if layout.lower else made

    def _segments(self, texts: list[str]) -> Segments:
        if not self._parts_at_words or max(map(len, texts), default=0) <= _LONG:
            return Segments.concatenated([self._encode(block) for block in _blocks(texts)])
        parts = [list(_parts(text)) for text in texts]
        made = Segments.concatenated([self._encode(block) for block in _blocks(list(chain.from_iterable(parts)))])
        starts = np.cumsum([0, *map(len, parts)])[:-1]
        return Segments(made.ids, np.add.reduceat(made.lengths, starts))

    def _encode(self, texts: list[str]) -> Segments:
        try:
            made = self._library.encode_batch_fast(texts, add_special_tokens=False)
        except TypeError:  # what the library calls text that is not Unicode
            raise _broken(texts) from None
        found = [encoding.ids for encoding in made]
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        return Segments(np.fromiter(chain.from_iterable(found), np.int32, int(lengths.sum())), lengths)


def _check(layout: Layout) -> None:
    wanted = {"titles": ("joined", "segment", "tokens", "none"), "truncation_side": ("right", "left")}
    for name, values in wanted.items():
        if getattr(layout, name) not in values:
            raise SettingsError(f"found {name} = {getattr(layout, name)!r}; wanted one of {', '.join(values)}")


def _strings(texts: Sequence[str], what: str) -> Sequence[str]:
    if isinstance(texts, str):
        raise DataError(f"found one text where texts were wanted; write [{texts!r:.80}]")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"found {type(text).__name__} {text!r:.80} as {what} {place}; wanted text (str)")
    return texts


def _apart(passages: Sequence[Text]) -> list[tuple[str, str]]:
    """Titles, empty where there is none, and texts."""
    if isinstance(passages, str):
        raise DataError(f"found one text where passages were wanted; write [{passages!r:.80}]")
    made = [("", passage) if isinstance(passage, str) else passage for passage in passages]
    for place, both in enumerate(made):
        fits = isinstance(both, tuple | list) and len(both) == 2 and all(isinstance(part, str) for part in both)
        if not fits:
            raise DataError(f"found {both!r:.80} as passage {place}; wanted text, or a pair (title, text)")
    return made


def _words_stand_alone(library: "Library") -> bool:
    """Whether a text's tokens are those of its parts, where it is cut before a word or between ideographs.

    So it is for word pieces whose splitter parts words at spaces and ideographs from everything, unless an
    added token reaches over such a place or looks at what stands beside it.
    """
    added = library.get_added_tokens_decoder().values()
    if library.model.__class__.__name__ != "WordPiece" or not library.normalizer or not library.pre_tokenizer:
        return False
    words = library.pre_tokenizer.pre_tokenize_str(library.normalizer.normalize_str("a b\u6865\u6865c"))
    apart = [word for word, _ in words] == ["a", "b", "\u6865", "\u6865", "c"]
    return apart and not any(
        token.single_word or " " in token.content or not token.content.isascii() for token in added
    )


def _parts(text: str) -> Iterator[str]:
    start = 0
    while place := _BETWEEN.search(text, start + _LONG):
        yield text[start : place.start()]
        start = place.start()
    yield text[start:]


def _blocks(texts: list[str]) -> Iterator[list[str]]:
    """Runs of texts of some `_BLOCK` characters together, a longer text alone."""
    block: list[str] = []
    size = 0
    for text in texts:
        if block and size + len(text) > _BLOCK:
            yield block
            block, size = [], 0
        block.append(text)
        size += len(text)
    if block:
        yield block


def _broken(texts: list[str]) -> DataError:
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            found = f"a lone surrogate, {text[error.start]!r}, at character {error.start} of {text!r:.80}"
            return DataError(f"found {found}; wanted Unicode text: decode it with errors='replace'")
    return DataError("found a text that the tokenizer cannot read; wanted str")
