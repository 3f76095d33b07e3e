"""A writer killed at any moment leaves the old artifact or the new one, whole."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from vizsla.core import artifacts

WRITER = """
import sys
import numpy as np
from vizsla.core.artifacts import draft

turn, folder = int(sys.argv[2]), sys.argv[1]
while True:
    turn += 1
    with draft(folder, kind="box", version=1, settings={"turn": turn}) as made:
        for name in "abc":
            made.array(name, np.full(20_000, turn))
    print(turn, flush=True)
"""
KILLS = 8
LONGEST_S = 0.06


def kill_a_writer(folder: Path, turn: int, after_s: float) -> tuple[int, int]:
    """Start a writer, kill it some time after its first commit; its process and its last announced commit."""
    source = str(Path(artifacts.__file__).parents[2])
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(turn)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert writer.stdout is not None
    first = writer.stdout.readline()
    assert first, "the writer never committed"
    time.sleep(after_s)
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate(timeout=30)
    assert writer.returncode == -signal.SIGKILL
    return writer.pid, int((first + rest).split()[-1])


def test_a_kill_leaves_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    moments, folder, turn = random.Random(1), tmp_path / "a", 0
    for _ in range(KILLS):
        writer, announced = kill_a_writer(folder, turn, moments.uniform(0, LONGEST_S))
        artifact = artifacts.open_artifact(folder, kind="box", version=1)
        artifact.verify()
        turn = artifact.settings["turn"]
        assert turn in {announced, announced + 1}
        for name in "abc":
            assert (artifact.array(name, np.int64) == turn).all()
        left = [path.name for path in tmp_path.iterdir() if path != folder]
        assert all(name.startswith(f".a.unfinished-{writer}-") for name in left), f"no sweep would find {left}"
    with artifacts.draft(folder, kind="box", version=1, settings={}):
        assert len(list(tmp_path.iterdir())) == 2, "what the dead left is swept before writing"
    assert list(tmp_path.iterdir()) == [folder]
