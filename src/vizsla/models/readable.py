"""Token ids as words for people. Knows the `tokenizers` library's decoders."""

from collections.abc import Sequence

from vizsla.models.description import Tokens
from vizsla.models.parsed import opened

_BROKEN = "\ufffd"


def readable(tokens: Tokens, ids: Sequence[int]) -> dict[int, str]:
    """What each id stands for: a word piece as it is, `##ing`; bytes as the text that they spell."""
    from tokenizers.models import BPE

    library = opened(tokens.json)
    made = {}
    for one in ids:
        piece = library.id_to_token(one) or f"[{one}]"
        spelt = library.decode([one], skip_special_tokens=False) if isinstance(library.model, BPE) else piece
        made[one] = piece if not spelt.strip() or _BROKEN in spelt else spelt
    return made
