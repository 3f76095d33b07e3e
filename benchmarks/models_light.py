"""How light the models' side is: size of the install, from a cold process to the first vector, memory of a long run.

    python benchmarks/models_light.py [DATA_FOLDER] [--model FOLDER] [--rounds 7] [--parts install start memory]

The install is made in a fresh virtual environment, which needs a package index. A model is $VIZSLA_MINILM or --model,
else one of its size with random weights (with --tiny, of BERT tiny's). The long run encodes wenyan-zh to disk and
notes what the process holds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import distributions
from itertools import islice
from pathlib import Path

import models_texts
from clock import ROOT, find_data, in_fresh_process, interleave, machine, peak_mib, spread, table
from models_random import MINILM, TINY, Size, vocabulary, write

PARTS = ("install", "start", "memory")
ENGLISH, LONG = "squad-en", "wenyan-zh"
SHARD = 1024
PACKAGES = ("vizsla", "onnxruntime", "tokenizers", "onnx")
_QUERY = "how tall is the tower"
_OURS = f"import sys, vizsla\nvizsla.load(sys.argv[1]).encode_queries([{_QUERY!r}])"
_BARE = "import numpy, onnxruntime, tokenizers"
_THEIRS = (
    f"import sys\nfrom sentence_transformers import SentenceTransformer\n"
    f"SentenceTransformer(sys.argv[1], device='cpu').encode([{_QUERY!r}])"
)
_QUIET = ("--quiet", "--disable-pip-version-check", "--no-compile")
_SIZES = """
import json
from importlib.metadata import distributions
def size(one):
    paths = [one.locate_file(each) for each in one.files or ()]
    return sum(each.stat().st_size for each in paths if each.is_file() and each.suffix != ".pyc")
print(json.dumps({one.metadata["Name"]: size(one) for one in distributions()}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="the folder of the judged sets")
    parser.add_argument("--model", default=os.environ.get("VIZSLA_MINILM"), help="the folder of all-MiniLM-L6-v2")
    parser.add_argument("--tiny", action="store_true", help="a BERT tiny instead: hundreds of thousands in minutes")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=20_000, help="passages of the long run")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--once", nargs=2, metavar=("MODEL", "SET"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        _long_run(*map(Path, options.once), options.count)
        return
    data = find_data(options.data)
    if data is None:
        return
    print(f"{machine(PACKAGES)}\nload average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as work:
        size = TINY if options.tiny else MINILM[6]
        given = options.model and not options.tiny
        model = Path(options.model) if given else _random(data, Path(work) / "model", size)
        if "install" in options.parts:
            install(Path(work))
        if "start" in options.parts:
            start(model, Path(work), options.rounds)
        if "memory" in options.parts:
            memory(model, data, options.count)


def install(work: Path) -> None:
    """Bytes that `pip install vizsla` brings, and with the extra `openvino`, without what pip itself takes."""
    print("\ninstalled files, compiled Python left out: MiB")
    table(("install", "MiB", "packages", "the largest"), _installed(work / "environment"))


def _installed(folder: Path) -> Iterator[list[str]]:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    for name, wanted in (("vizsla", str(ROOT)), ("vizsla[openvino]", f"{ROOT}[openvino]")):
        subprocess.run([python, "-m", "pip", "install", *_QUIET, wanted], check=True, stderr=subprocess.DEVNULL)
        yield [name, *_summed(_sizes(python))]
    if any(one.metadata["Name"] == "sentence-transformers" for one in distributions()):
        found = {name.lower(): size for name, size in _sizes(sys.executable).items()}
        kept = {name: found[name] for name in _needed("sentence-transformers", set()) if name in found}
        yield ["sentence-transformers as it is installed here", *_summed(kept)]


def _sizes(python: str) -> dict[str, int]:
    done = subprocess.run([python, "-c", _SIZES], check=True, capture_output=True, text=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def start(model: Path, work: Path, rounds: int) -> None:
    """Seconds of a whole process that loads the model and encodes one query."""
    warm = work / "warm"
    ways = {"vizsla": (_OURS, {"VIZSLA_CACHE": str(warm)}), "numpy, onnxruntime and tokenizers imported": (_BARE, {})}
    if any(one.metadata["Name"] == "sentence-transformers" for one in distributions()):
        ways["sentence-transformers on torch"] = (_THEIRS, {"HF_HUB_OFFLINE": "1"})
    actions = {name: _process(script, model, extra) for name, (script, extra) in ways.items()}
    rows = [[name, spread(found)] for name, found in interleave(actions, rounds).items()]
    first = []
    for number in range(min(3, rounds)):
        begin = time.perf_counter()
        _process(_OURS, model, {"VIZSLA_CACHE": str(work / f"empty{number}")})()
        first.append(time.perf_counter() - begin)
    rows.append([f"vizsla, the model's first load ever ({len(first)} times)", spread(first)])
    print("\nfrom a cold process to the first vector, files in the page cache: seconds, median (least-most)")
    table(("start", "seconds"), rows)


def memory(model: Path, data: Path, count: int) -> None:
    """What a process that encodes to disk holds as it goes on."""
    if not (data / LONG).is_dir():
        print(f"\nskipped memory: found no set at {data / LONG}")
        return
    once = in_fresh_process(__file__, "--once", str(model), str(data / LONG), "--count", str(count))
    print(
        f"\nencoding {once['count']:,} passages of {LONG} to disk in {once['seconds']:.0f} s: MiB held by the process"
    )
    held = once["held"]
    marks = [held[round(place * (len(held) - 1) / 8)] for place in range(9)]
    table(("passages done", *(f"{done:,}" for done, _ in marks)), [["MiB", *(f"{mib:,.0f}" for _, mib in marks)]])
    half = [mib for done, mib in held if 2 * done >= once["count"]]
    print(f"\nthe most at any time: {once['peak']:,.0f} MiB; over the second half: {spread(half, digits=0)} MiB")


def _long_run(model: Path, folder: Path, count: int) -> None:
    """In a process of its own: encode, and print what was held after each shard as JSON."""
    import vizsla
    from vizsla.core.protocols import Passage
    from vizsla.data.corpus import Corpus
    from vizsla.encoders.encoding import encode_to

    held: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as work:
        texts = islice(enumerate(models_texts.stream(folder)), count)
        corpus = Corpus.build((Passage(id=str(place), text=text) for place, text in texts), Path(work) / "corpus")
        encoder = vizsla.load(model)
        begin = time.perf_counter()
        encode_to(
            Path(work) / "vectors",
            encoder,
            corpus,
            shard=SHARD,
            progress=lambda done, _: held.append((done, _now_mib())),
        )
        seconds = time.perf_counter() - begin
    print(json.dumps({"held": held, "seconds": seconds, "count": len(corpus), "peak": peak_mib()}))


def _now_mib() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def _process(script: str, model: Path, extra: dict[str, str]) -> Callable[[], object]:
    command = [sys.executable, "-c", script, str(model)]
    return lambda: subprocess.run(command, check=True, capture_output=True, env=os.environ | extra)


def _summed(sizes: dict[str, int]) -> list[str]:
    kept = {name: size for name, size in sizes.items() if name.lower() not in ("pip", "setuptools", "wheel")}
    largest = sorted(kept, key=lambda name: -kept[name])[:6]
    named = ", ".join(f"{name} {kept[name] / 2**20:,.0f}" for name in largest)
    return [f"{sum(kept.values()) / 2**20:,.0f}", str(len(kept)), named]


def _needed(name: str, seen: set[str]) -> set[str]:
    """A package and everything it requires, extras left out."""
    import re
    from importlib.metadata import PackageNotFoundError, requires

    plain = name.lower()
    if plain in seen:
        return seen
    seen.add(plain)
    try:
        wanted = requires(plain) or []
    except PackageNotFoundError:
        return seen
    for one in wanted:
        if "extra ==" not in one:
            _needed(re.split(r"[^\w.-]", one, maxsplit=1)[0], seen)
    return seen


def _random(data: Path, folder: Path, size: Size) -> Path:
    return write(folder, size, "vector", vocabulary(models_texts.passages(data / ENGLISH, 2000), size.vocabulary))


if __name__ == "__main__":
    main()
