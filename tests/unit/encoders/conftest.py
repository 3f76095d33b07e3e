"""Published models of a few hundred tokens, made ready for the tests of encoders."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vizsla.models.description import Description, Head
from vizsla.models.parameters import shapes
from vizsla.models.reading import read

FIXTURES = Path(__file__).parents[1] / "models/fixtures"


@pytest.fixture(scope="session")
def unit_folder() -> Path:
    """A sentence-transformers model: mean, unit length, 32 wide, 24 tokens."""
    return FIXTURES / "st5-bi-mean-norm"


@pytest.fixture(scope="session")
def terms(unit_folder: Path) -> Description:
    """The same encoder under a masked-LM head of random weights."""
    bare = read(unit_folder).passages
    head, draw = Head("terms", ("max",), activation="log1p_relu"), np.random.default_rng(0)
    made = {
        name: draw.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes(bare.architecture, head).items()
    }
    return replace(bare, head=head, score="dot", weights={**made, **bare.weights})
