"""The rocketqa library's names: generators, titles, and lists that must fit."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import ArtifactError, DataError, SettingsError
from vizsla.shims import rocketqa

FIXTURES = Path(__file__).parents[1] / "models/fixtures"
QUERIES, PASSAGES = ["what is a bridge?", "city of London"], ["a bridge is 18 km", "London city has 10 districts"]


@pytest.fixture(scope="module")
def dual() -> rocketqa.DualEncoder:
    made = rocketqa.load_model(FIXTURES / "paddlenlp-ernie3/query", max_length=(32, 48))
    assert isinstance(made, rocketqa.DualEncoder)
    return made


def test_a_dual_encoder(dual: rocketqa.DualEncoder) -> None:
    own = vizsla.load(FIXTURES / "paddlenlp-ernie3/query", layout="rocketqa", max_length=(32, 48))
    queries, titled = dual.encode_query(query=QUERIES), dual.encode_para(para=PASSAGES, title=["a", "b"])
    assert iter(queries) is queries
    np.testing.assert_array_equal(list(queries), own.encode_queries(QUERIES))
    wanted = own.encode_passages([("a", PASSAGES[0]), ("b", PASSAGES[1])])
    np.testing.assert_array_equal(list(titled), wanted)
    scores = list(dual.matching(query=QUERIES, para=PASSAGES, title=["a", "b"]))
    np.testing.assert_allclose(scores, (own.encode_queries(QUERIES) * wanted).sum(1), rtol=1e-5)
    assert len(list(dual.encode_para(para=PASSAGES))) == 2


def test_a_cross_encoder() -> None:
    folder = FIXTURES / "st5-cross-identity"
    cross = rocketqa.load_model(str(folder))
    assert isinstance(cross, rocketqa.CrossEncoder)
    own = vizsla.load(folder, layout="rocketqa")
    assert list(cross.matching(query=QUERIES, para=PASSAGES)) == own.score(
        list(zip(QUERIES, PASSAGES, strict=True))
    ).tolist()  # fmt: skip


def test_the_librarys_own_config_names_its_folder(tmp_path: Path) -> None:
    folder = shutil.copytree(FIXTURES / "paddlenlp-ernie3/query", tmp_path / "model")
    assert isinstance(rocketqa.load_model(folder / "config.json"), rocketqa.DualEncoder)


def test_the_librarys_own_arguments() -> None:
    folder = FIXTURES / "paddlenlp-ernie3/query"
    assert isinstance(
        rocketqa.load_model(model=folder, use_cuda=False, device_id=0, batch_size=16), rocketqa.DualEncoder
    )
    for given, said in (({"use_cuda": True}, "use_cuda=True"), ({"batch_size": 0}, "batch_size=0")):
        with pytest.raises(SettingsError, match=said):
            rocketqa.load_model(folder, **given)


def test_names() -> None:
    names = rocketqa.available_models()
    assert "rocketqa-zh-base" in names
    assert not [name for name in names if "MiniLM" in name]
    with pytest.raises(ArtifactError, match="not on the hub"):
        rocketqa.load_model(names[0])


def test_lists_that_do_not_fit(dual: rocketqa.DualEncoder) -> None:
    with pytest.raises(DataError, match="found 1 in para for 2"):
        list(dual.matching(query=QUERIES, para=PASSAGES[:1]))
    with pytest.raises(DataError, match="found 1 in title for 2"):
        list(dual.encode_para(para=PASSAGES, title=["a"]))
    with pytest.raises(DataError, match="one text"):
        list(dual.matching(query="a", para=PASSAGES))
