"""Programs that meet a collection under other circumstances than a test may make for itself."""

import json
import os
import resource
import sys

from tests.integration import collection_model as model

from vizsla import assembly
from vizsla.collections.collection import Collection
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import Passage

NOBODY = 65534


def say(*words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def limited(folder: str) -> None:
    """Add passages under limits on the size of files; says after each whether it was added."""
    collection = Collection.open(folder)
    for number, limit in enumerate((0, 1000, 4000, 9000, 20_000, 25_000, 30_000, 1 << 30)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        one = Passage(f"p{number}", f"text {number} " + "word " * number * 300)
        try:
            collection.add([one])
            said = "done"
        except ArtifactError as error:
            said = f"refused: {error}"
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        say(one.id, one.text, said)
        sys.stdin.readline()


def unprivileged(folder: str) -> None:
    """Search, verify and try to change as a user who may only read."""
    Collection.open(folder).search("birds", pipeline="bm25")  # imports all that is needed
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    collection = Collection.open(folder)
    found = [hit.id for hit in collection.search("birds", pipeline="bm25")]
    try:
        collection.delete(found)
        said = "deleted"
    except ArtifactError as error:
        said = str(error)
    say(found, collection.verify(), said)


if __name__ == "__main__":
    assembly.load = model.toy  # type: ignore[assignment]  # takes a name alone
    {"limited": limited, "unprivileged": unprivileged}[sys.argv[1]](sys.argv[2])
