"""A description before settings are laid over it and weights are taken: where every reader ends.

Knows the order: settings change the parts, then the weights that the parts ask for are taken and checked.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import get_args

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.core.settings import nearest
from vizsla.models import layouts
from vizsla.models.description import (
    PROBABLE,
    Architecture,
    Description,
    Head,
    Kind,
    Layout,
    Score,
    Tokens,
    Weights,
)
from vizsla.models.formats.wishes import Wishes, overridden
from vizsla.models.parameters import shapes

_POOLINGS = ("cls", "mean", "max", "sqrt", "weighted", "last", "sum")
_TITLES = ("joined", "segment", "tokens", "none")
_FEWEST = 3  # a length that leaves a token between the specials


@dataclass(frozen=True)
class Draft:
    """What a reader found.

    Attributes:
        name: what it was loaded from.
        architecture: the encoder.
        head: what follows it.
        layout: how texts go in.
        tokens: the tokenizer, made once the architecture is final.
        score: what the numbers mean.
        weights: takes the weights that architecture and head ask for.
        graph: a published graph in place of weights.
    """

    name: str
    architecture: Architecture
    head: Head
    layout: Layout
    tokens: Callable[[Architecture], Tokens]
    score: str
    weights: Callable[[Architecture, Head], Weights]
    graph: str = ""

    def finish(self, wishes: Wishes) -> Description:
        """The description with the settings laid over it and its weights taken.

        Raises:
            SettingsError: a setting that cannot be.
            ArtifactError: weights that are not what the description asks for.
        """
        architecture = overridden(self.architecture, "architecture", wishes)
        head = overridden(self.head, "head", wishes)
        score = str(wishes.settings.get("score") or self._score(head, wishes))
        self._check(architecture, head, score)
        layout = self._layout(architecture, head, wishes)
        tokens = overridden(self.tokens(architecture), "tokens", wishes)
        if architecture.types == 1:
            tokens = replace(tokens, second_type=0)
        weights: Weights = {} if self.graph else self._weights(architecture, head)
        named: Score = next(each for each in get_args(Score) if each == score)
        return Description(self.name, architecture, head, layout, tokens, named, weights, self.graph)

    def _score(self, head: Head, wishes: Wishes) -> str:
        """What the files say, or what another activation makes of it."""
        if head.kind != "score" or "head.activation" not in wishes.settings:
            return self.score
        return "probability" if head.activation in PROBABLE else "logit"

    def _weights(self, architecture: Architecture, head: Head) -> Weights:
        weights = self.weights(architecture, head)
        for name, shape in shapes(architecture, head).items():
            found = weights[name].shape if name in weights else "none"
            if found != shape:
                raise ArtifactError(f"{self.name}: found {found} for the weight '{name}'; wanted {shape}")
        return weights

    def _check(self, architecture: Architecture, head: Head, score: str) -> None:
        choices = [("score", score, get_args(Score)), ("head", head.kind, get_args(Kind))]
        choices += [("pooling", pooling, _POOLINGS) for pooling in head.pooling]
        for name, value, known in choices:
            if value not in known:
                raise SettingsError(f"{self.name}: found {name} = {str(value)[:50]!r}; {nearest(str(value), known)}")
        if architecture.hidden % (architecture.heads or 1) or (not architecture.heads and architecture.layers):
            found = f"{architecture.heads} heads for a width of {architecture.hidden}"
            raise SettingsError(
                f"{self.name}: found {found}; wanted a number that divides it: settings={{'heads': ...}}"
            )
        if head.kind == "score" and not 0 <= head.label < head.labels:
            found = f"label {head.label} of {head.labels}"
            raise SettingsError(
                f"{self.name}: found {found}; wanted settings={{'label': ...}} from 0 to {head.labels - 1}"
            )

    def _layout(self, architecture: Architecture, head: Head, wishes: Wishes) -> Layout:
        layout = self.layout
        if wishes.layout and wishes.layout != layout.name:
            layout = _renamed(layout, wishes.layout, head.kind)
        layout = overridden(layout, "layout", wishes)
        if layout.titles not in _TITLES:
            raise SettingsError(f"{self.name}: found titles = {layout.titles!r}; {nearest(layout.titles, _TITLES)}")
        if wishes.lengths:
            layout = replace(layout, query_length=wishes.lengths[0], passage_length=wishes.lengths[1])
        room = architecture.positions - architecture.first_position
        longest = max(layout.query_length, layout.passage_length)
        if not architecture.positions or longest <= room:
            return _wide_enough(layout, self.name)
        if wishes.lengths or {"query_length", "passage_length"} & wishes.settings.keys():
            raise SettingsError(f"{self.name}: found a length of {longest}; wanted at most {room}, its positions")
        lengths = min(layout.query_length, room), min(layout.passage_length, room)
        logging.getLogger("vizsla").info("%s: lengths cut to the model's %d positions", self.name, room)
        return _wide_enough(replace(layout, query_length=lengths[0], passage_length=lengths[1]), self.name)


def _renamed(layout: Layout, name: str, kind: Kind) -> Layout:
    """Another tool's layout, with what the files said beyond their own tool's habits."""
    usual = layouts.named(layout.name, kind)
    names = [each.name for each in fields(Layout)]
    said = {each: getattr(layout, each) for each in names if getattr(layout, each) != getattr(usual, each)}
    return replace(layouts.named(name, kind), **said)


def _wide_enough(layout: Layout, name: str) -> Layout:
    if min(layout.query_length, layout.passage_length) < _FEWEST:
        found = f"lengths of {layout.query_length} and {layout.passage_length} tokens"
        raise SettingsError(f"{name}: found {found}; wanted at least {_FEWEST}")
    return layout
