"""Named layouts: how each tool puts texts into rows when its files do not say.

Knows each tool's habits and default lengths. Refuses to know tokens.
"""

from vizsla.core.errors import SettingsError
from vizsla.core.settings import nearest
from vizsla.models.description import Kind, Layout

_VECTOR = {
    "rocketqa": Layout("rocketqa", 32, 384, titles="segment"),
    "paddlenlp": Layout("paddlenlp", 64, 384, empty_first=True),
    "paddlenlp-early": Layout("paddlenlp-early", 64, 256, titles="none"),
    "sentence-transformers": Layout("sentence-transformers", strip=True),
    "modelscope": Layout("modelscope", 128, 128),
    "huggingface": Layout("huggingface"),
}
_SCORE = _VECTOR | {
    "rocketqa": Layout("rocketqa", 384, 384, titles="tokens"),
    "paddlenlp": Layout("paddlenlp", 384, 384),
    "paddlenlp-early": Layout("paddlenlp-early", 256, 256, titles="none"),
}
NAMES = tuple(_VECTOR)


def named(name: str, kind: Kind) -> Layout:
    """The layout of a tool for what comes out of the model: vectors and terms, or a score a pair.

    rocketqa's `for_cn` (`remove_spaces`) depends on the model's language and is not set here.

    >>> named("rocketqa", "score").titles
    'tokens'

    Raises:
        SettingsError: no tool of this name.
    """
    if name not in _VECTOR:
        raise SettingsError(f"found the unknown layout {name!r}; {nearest(name, NAMES)}")
    return (_SCORE if kind == "score" else _VECTOR)[name]
