"""Readers in processes of their own and one writer, for minutes: wrong answers, errors, and latency beside the quiet.

Every passage of a group carries the round in which its group was last written, and all of a group are written in one
commit; so an answer that shows a group in two rounds, or not whole, is wrong.

    python benchmarks/collection_under_load.py --seconds 600 --readers 4
"""

import argparse
import random
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from vizsla.collections.collection import Collection
from vizsla.core.protocols import Passage

GROUPS, SIZE, WORDS = 2_000, 10, 40
VOCABULARY = [f"w{number}" for number in range(5_000)]


def group(number: int, round_: int) -> list[Passage]:
    draw = random.Random(f"{number} {round_}")
    texts = [" ".join([f"group{number}", *draw.choices(VOCABULARY, k=WORDS)]) for _ in range(SIZE)]
    return [Passage(f"{number}-{at}", text, metadata={"round": round_}) for at, text in enumerate(texts)]


def wrong(collection: Collection, number: int) -> str:
    found = collection.search(f"group{number}", 2 * SIZE, pipeline="bm25")
    ids, rounds = {one.id for one in found}, {one.metadata["round"] for one in found}
    if len(rounds) > 1 or ids not in (set(), {f"{number}-{at}" for at in range(SIZE)}):
        return f"group {number}: {sorted(ids)} of the rounds {rounds}"
    return ""


def read(folder: str, seed: int, stop: Any, told: Any) -> None:
    draw, collection, times, faults = random.Random(seed), Collection.open(folder), [], []
    while not stop.is_set():
        begun = time.perf_counter()
        try:
            fault = wrong(collection, draw.randrange(GROUPS))
        except Exception as error:  # noqa: BLE001 - every error counts
            fault = f"{type(error).__name__}: {error}"
        times.append(time.perf_counter() - begun)
        faults += [fault] if fault else []
        time.sleep(0.01)
    told.put((times, faults))


def write(folder: str, stop: Any, told: Any) -> None:
    draw, collection, commits = random.Random(0), Collection.open(folder), 0
    while not stop.is_set():
        number, what = draw.randrange(GROUPS), draw.random()
        if what < 0.7:
            collection.update(group(number, commits))
        elif what < 0.99:
            collection.delete([f"{number}-{at}" for at in range(SIZE)])
        else:
            collection.compact()
        commits += 1
    told.put(commits)


def measure(folder: str, readers: int, seconds: float, *, writing: bool) -> tuple[np.ndarray, list[str], int]:
    own = get_context("spawn")  # processes that have nothing in common
    stop, told, counted = own.Event(), own.Queue(), own.Queue()
    processes = [own.Process(target=read, args=(folder, seed, stop, told)) for seed in range(readers)]
    writer = own.Process(target=write, args=(folder, stop, counted))
    for one in [*processes, *([writer] if writing else [])]:
        one.start()
    time.sleep(seconds)
    stop.set()
    said = [told.get() for _ in processes]
    commits = counted.get() if writing else 0
    for one in [*processes, *([writer] if writing else [])]:
        one.join()
    times = np.concatenate([np.array(took) for took, _ in said])
    return times, [fault for _, faults in said for fault in faults], commits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--readers", type=int, default=4)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = str(Path(home) / "c")
        Collection.create(folder).add(one for number in range(GROUPS) for one in group(number, -1))
        wrong(Collection.open(folder), 0)  # compiles what searching needs, once for all processes
        for writing, seconds in ((False, min(30, wanted.seconds)), (True, wanted.seconds)):
            times, faults, commits = measure(folder, wanted.readers, seconds, writing=writing)
            p50, p95, p99 = np.percentile(times, [50, 95, 99]) * 1e3
            name = f"{wanted.readers} readers and a writer" if writing else f"{wanted.readers} readers"
            print(f"{name}, {seconds:.0f} s: {len(times)} searches, {commits} commits, {len(faults)} wrong or failed")
            print(f"  p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms {faults[:3]}")
        begun = time.perf_counter()
        read_bytes = Collection.open(folder).verify()
        print(f"verified: {read_bytes / 2**20:.0f} MiB in {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
