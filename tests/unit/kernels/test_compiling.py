"""Compiled loops are kept on disk, and processes that compile one at once do not mix their machine code up."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
import sys, time
import numpy as np
from numba.core.caching import IndexDataCacheFile
look = IndexDataCacheFile._load_index
def slowly(self):
    found = look(self)
    time.sleep(0.5)  # the other process looks now
    return found
IndexDataCacheFile._load_index = slowly if sys.argv[2] == "slowly" else look
from loop import total
print(total(np.array([1, 2, 3], sys.argv[1])))
"""


@pytest.mark.parametrize("kinds", [("int32", "float32"), ("float32", "int32")])
def test_two_processes_that_compile_for_two_types_at_once(tmp_path: Path, kinds: tuple[str, str]) -> None:
    (tmp_path / "loop.py").write_text(LOOP)
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, str(tmp_path / "program.py")]
    running = [subprocess.Popen([*command, kind, "slowly"], stdout=subprocess.PIPE, text=True) for kind in kinds]
    assert [one.communicate(timeout=120)[0].strip() for one in running] == [str(np.array(6, kind)) for kind in kinds]
    for kind in kinds:
        done = subprocess.run([*command, kind, "at once"], capture_output=True, text=True, timeout=120, check=True)
        assert done.stdout.strip() == str(np.array(6, kind))
    kept = {path.name for path in (tmp_path / "__pycache__").glob("*.nbc")}
    assert len(kept) == len(kinds), "each type has a file of its own"
