import inspect

import pytest

from vizsla.core import errors

TREE = {
    "VizslaError": "Exception",
    "SettingsError": "VizslaError",
    "DataError": "VizslaError",
    "ShapeError": "VizslaError",
    "ArtifactError": "VizslaError",
    "IncompatibleError": "ArtifactError",
    "MissingExtraError": "VizslaError",
    "OverloadedError": "VizslaError",
}


def test_the_tree_is_the_one_the_house_agreed_on() -> None:
    found = {name: one for name, one in vars(errors).items() if inspect.isclass(one)}
    assert {name: one.__mro__[1].__name__ for name, one in found.items()} == TREE


@pytest.mark.parametrize("name", TREE)
def test_an_error_keeps_its_message_and_says_when_it_is_raised(name: str) -> None:
    kind = getattr(errors, name)
    assert str(kind("found a, wanted b")) == "found a, wanted b"
    assert kind.__doc__
