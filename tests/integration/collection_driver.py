"""A program that changes collections until it is killed: each change is said before, and again when it is done.

Reads one line of JSON a run, and forks a child for it, so that a run costs no start of an interpreter.
"""

import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.integration import collection_model as model

from vizsla import assembly
from vizsla.collections.collection import Collection
from vizsla.core import artifacts


def say(*words: object) -> None:
    os.write(1, (json.dumps(words) + "\n").encode())


def main() -> None:
    assembly.load = model.toy  # type: ignore[assignment]  # takes a name alone
    with tempfile.TemporaryDirectory() as folder:  # compiles what is needed
        rehearse(f"{folder}/c")
    say("ready")
    for line in sys.stdin:
        if not line.strip():
            continue  # said to a child that was dead by then
        run = json.loads(line)
        child = os.fork()
        if child == 0:
            (script if run["script"] else at_random)(run)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        say("ended", os.waitstatus_to_exitcode(status))


def rehearse(folder: str) -> None:
    collection = Collection.create(folder, model.ENCODERS)
    draw = random.Random(0)
    held: model.Model = {}
    for _ in range(10):
        what = model.drawn(draw, held)
        model.change(collection, what)
        held = model.applied(held, what)
    collection.verify()


def at_random(run: dict[str, object]) -> None:
    say("pid", os.getpid())
    collection = Collection.open(str(run["folder"]))
    held = {one.id: one for one in collection.export()}
    draw = random.Random(int(str(run["seed"])))
    while True:
        what = model.drawn(draw, held)
        say("begin", model.to_plain(what))
        model.change(collection, what)
        say("done")
        held = model.applied(held, what)


def one_by_one(paths: Sequence[Path]) -> None:
    for path in paths:
        artifacts.flush(path)


def script(run: dict[str, object]) -> None:
    """The same few changes each time, the creation first, flushes one after another, so that all can be counted."""
    artifacts._flush_all = one_by_one
    say("pid", os.getpid())
    os.read(0, 1)  # until it is watched
    collection = Collection.create(str(run["folder"]), model.ENCODERS)
    say("created")
    for plain in run["changes"]:  # type: ignore[attr-defined]
        say("begin", plain)
        model.change(collection, model.from_plain(plain))
        say("done")


if __name__ == "__main__":
    main()
