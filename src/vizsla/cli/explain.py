"""`vizsla explain`: why a passage is in the answer to a query, or is not."""

from dataclasses import asdict
from typing import Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.opening import Folder, Json, Models, PipelineOption, Where, opened


def explain(
    folder: Folder,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="As it would be searched.")],
    id_: Annotated[str, typer.Argument(metavar="ID", help="The passage's.")],
    *,
    k: Annotated[int, typer.Option(min=1, help="How many hits the answer has.")] = 10,
    where: Where = None,
    pipeline: PipelineOption = None,
    model: Models = None,
    as_json: Json = False,
) -> None:
    """Say why the passage ID answers QUERY, or why not: its rank, score and terms in each stage, and each step."""
    from vizsla.collections.explaining import Question

    collection = opened(folder, model)
    told = collection.explain(Question(query, id_, min(k, max(len(collection), 1)), where, pipeline))
    if as_json:
        import orjson

        terminal.write(orjson.dumps({"found": told.found, **asdict(told)}).decode())
        return
    from vizsla.cli import reasons

    terminal.draw(*reasons.drawn(told, collection.get(id_), collection.snapshot().setup.analyzer))
