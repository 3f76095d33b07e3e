"""A judged folder of the fixtures' own words: every query is worded as the one passage that answers it."""

import json
from pathlib import Path

import numpy as np
import pytest

from vizsla.compiling.judged_sample import JudgedSample, Sampling, read_sample

FIXTURES = Path(__file__).parents[1] / "models/fixtures"
WORDS = "city has and open the file of what a bridge is 18 km london python question answer x"


@pytest.fixture(scope="session")
def dense_folder() -> Path:
    """A sentence-transformers model: mean, unit length, 32 wide."""
    return FIXTURES / "st5-bi-mean-norm"


@pytest.fixture(scope="session")
def reranker_folder() -> Path:
    return FIXTURES / "st5-cross-identity"


def write_judged(folder: Path, *, splits: tuple[str, ...] = ("dev",)) -> Path:
    """130 judged queries a split and 260 passages; a query of dev is its passage's wording."""
    queries, passages = 130, 260
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(WORDS.split(), 8)) for _ in range(passages)]
    lines = [json.dumps({"_id": f"p{i}", "title": "", "text": text}) for i, text in enumerate(texts)]
    folder.mkdir()
    (folder / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    asked = [(split, i) for split in splits for i in range(queries)]
    wordings = {("dev", i): texts[i] for i in range(queries)}
    records = [
        {"_id": f"{split}{i}", "text": wordings.get((split, i), f"{split} {texts[-1 - i]}")} for split, i in asked
    ]
    (folder / "queries.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "qrels").mkdir()
    for split in splits:
        grades = "".join(f"{split}{i}\tp{i}\t1\n" for i in range(queries))
        (folder / f"qrels/{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{grades}")
    return folder


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_judged(tmp_path_factory.mktemp("gate") / "judged", splits=("dev", "train"))


@pytest.fixture(scope="session")
def sample(judged: Path) -> JudgedSample:
    return read_sample(judged, Sampling(passages=180))
