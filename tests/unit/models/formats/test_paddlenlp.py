"""PaddleNLP's configs that the fixtures do not show."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.models.reading import read
from vizsla.models.weights import pdparams

FIXTURE = Path(__file__).parents[1] / "fixtures/paddlenlp-ernie3/query"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "query"))


def changed(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def test_the_task_that_the_config_names(folder: Path) -> None:
    table = pdparams.read(FIXTURE / "model_state.pdparams")["ernie.embeddings.task_type_embeddings.weight"]
    for task in (0, 2):
        changed(folder / "config.json", task_id=task)
        assert np.array_equal(read(folder).queries.weights["embeddings.task"][0], table[task])
    changed(folder / "config.json", task_id=3)
    with pytest.raises(ArtifactError, match=r"config\.json: found task_id 3; wanted one of 3"):
        read(folder)
