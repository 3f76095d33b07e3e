"""Loading: from the flags that every command with a model shares to the encoder or reranker.

Knows how lengths and settings are written on a command line. Refuses to know what they do.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from vizsla.cli.opening import is_collection
from vizsla.core.errors import SettingsError

_PANEL = "The model"
_LENGTHS = "a whole number of tokens, or two for queries and passages: 32,256"
Named: TypeAlias = Annotated[
    str, typer.Argument(metavar="MODEL", help="A folder, a weights file or a name: vizsla models lists them.")
]
QueryModel: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="The queries' own; MODEL is then the passages'.", rich_help_panel=_PANEL),
]
Layout: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="How texts go in, where files do not say: rocketqa, …", rich_help_panel=_PANEL),
]
MaxLength: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="N|N,N", help="Most tokens; or of a query, of a passage.", rich_help_panel=_PANEL),
]
Precision: TypeAlias = Annotated[
    str | None,
    typer.Option(help="fp32, or bf16 by OpenVINO. int8: vizsla compile.", rich_help_panel=_PANEL),
]
Settings: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any field of its description; like, dim, windows.",
        rich_help_panel=_PANEL,
    ),
]


def loaded(
    model: str,
    *,
    query_model: str | None = None,
    layout: str | None = None,
    max_length: str | None = None,
    precision: str | None = None,
    settings: Sequence[str] | None = None,
) -> Any:
    """What `vizsla.load` makes of a model and the flags beside it; a flag that was not given is not said.

    Raises:
        SettingsError: a length or a setting that is not written as one, or something that is no model.
    """
    from vizsla.assembly import load

    if is_collection(Path(model)):
        raise SettingsError(f"{model}: found a collection; wanted a model: its folder, its weights file or its name")
    found = load(
        model,
        queries=query_model,
        max_length=lengths(max_length),
        layout=layout,
        precision=precision,
        settings=pairs(settings) if settings else None,
    )
    if not hasattr(found, "contract") or not hasattr(found, "truncated"):
        raise SettingsError(f"{model}: found {type(found).__name__}, no model; wanted an encoder or a reranker")
    return found


def lengths(text: str | None) -> int | tuple[int, int] | None:
    """Most tokens: of both sides, or of queries and of passages.

    >>> lengths("128"), lengths("32,256")
    (128, (32, 256))

    Raises:
        SettingsError: no whole numbers, or more than two.
    """
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) > 2 or not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise SettingsError(f"found --max-length '{text}'; wanted {_LENGTHS}")
    numbers = [int(part) for part in parts]
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def pairs(texts: Sequence[str]) -> dict[str, object]:
    """Settings by name; a value is one of TOML where it can be, else the text itself.

    >>> pairs(["dim=256", "score=dot", 'pooling=["cls"]', "normalize=false"])
    {'dim': 256, 'score': 'dot', 'pooling': ['cls'], 'normalize': False}

    Raises:
        SettingsError: not a name, an equals sign and a value, or a name that comes twice.
    """
    made: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals) or key in made:
            raise SettingsError(f"found --set '{text}'; wanted each name once, such as --set pooling=mean")
        made[key] = _value(value)
    return made


def _value(text: str) -> object:
    try:
        found = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return found["value"] if len(found) == 1 else text
