"""Compiled loops are kept on disk, and processes that compile one at once do not mix their machine code up."""

import subprocess
import sys
from pathlib import Path

import numpy as np

LOOP = """
from vizsla.kernels.compiling import compiled


@compiled
def total(values):
    found = values[0]
    for value in values[1:]:
        found += value
    return found
"""
PROGRAM = """
import os, sys, time
import numpy as np
from numba.core.caching import IndexDataCacheFile
look = IndexDataCacheFile._load_index
def slowly(self):
    found, own = look(self), f"{sys.argv[2]}{sys.argv[1]}"
    if sys._getframe(1).f_code.co_name == "save":
        open(own, "w").close()
        until = time.monotonic() + 3  # for so long it waits for the other process to look
        while len(found) + sum(name.startswith(sys.argv[2]) for name in os.listdir()) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    return found
IndexDataCacheFile._load_index = slowly if sys.argv[2] == "slowly" else look
from loop import total
print(total(np.array([1, 2, 3], sys.argv[1])))
"""


def test_two_processes_that_compile_one_loop_for_two_types_at_once(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(LOOP)
    (tmp_path / "program.py").write_text(PROGRAM)
    command, kinds = [sys.executable, str(tmp_path / "program.py")], ("int32", "float32")
    starts = [[*command, kind, "slowly"] for kind in kinds]
    running = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True, cwd=tmp_path) for one in starts]
    assert [one.communicate(timeout=120)[0].strip() for one in running] == [str(np.array(6, kind)) for kind in kinds]
    assert len(list((tmp_path / "__pycache__").glob("*.nbc"))) == len(kinds), "each type has a file of its own"
    for kind in kinds:
        done = subprocess.run([*command, kind, "at once"], capture_output=True, text=True, timeout=120, check=True)
        assert done.stdout.strip() == str(np.array(6, kind))
