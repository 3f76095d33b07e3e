"""`vizsla info`: what a collection holds."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from vizsla.cli import terminal
from vizsla.cli.opening import Folder, Json, opened

if TYPE_CHECKING:
    from vizsla.collections.opened import Info

_SEGMENTS = 8


def info(folder: Folder, *, as_json: Json = False) -> None:
    """Show what FOLDER holds: passages, segments, encoders, fields, pipelines and rerankers."""
    found = opened(folder).info()
    if as_json:
        import orjson

        terminal.write(orjson.dumps(asdict(found)).decode())
        return
    from vizsla.cli.describing import pairs

    terminal.draw(pairs({"collection": str(folder), **_rows(found)}))


def _rows(found: "Info") -> dict[str, str]:
    from vizsla.cli.describing import readable

    sizes = ", ".join(f"{size:,}" for size in found.segments[:_SEGMENTS])
    more = ", …" if len(found.segments) > _SEGMENTS else ""
    dead = f"; {found.dead:,} dead rows wait for a merge" if found.dead else ""
    models = {name: f" ({found.encoders[name]}: {model})" for name, model in found.models.items()}
    rows = {
        "passages": f"{found.passages:,}",
        "segments": f"{len(found.segments)} of {sizes}{more} rows{dead}" if found.segments else "none",
        "size": readable(found.size_bytes),
        "commit": f"{found.commit:,}",
        "encoders": ", ".join(name + models.get(name, "") for name in found.encoders),
        "language": found.language,
        "fields": ", ".join(f"{name} ({kind})" for name, kind in found.fields.items()) or "none",
    }
    rows |= {f"pipeline {name}": text for name, text in found.pipelines.items()}
    return rows | {f"reranker {name}": place for name, place in found.rerankers.items()}
