import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizsla.core.errors import SettingsError
from vizsla.core.settings import from_mapping, from_toml, nearest, to_mapping, to_toml


@dataclass(frozen=True)
class Kitchen:
    name: str = "stove"
    heat: float = 1.5
    plates: int = 4
    lit: bool = False
    fuel: Literal["gas", "wood"] = "gas"
    guests: int | None = None
    weight: float | None = None
    pots: tuple[str, ...] = ()
    times: tuple[float, ...] = (1.0,)
    spoons: tuple[str, ...] | None = None
    spices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Strict:
    needed: int


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.floats(allow_nan=False)
KITCHENS = st.builds(
    Kitchen,
    name=TEXTS,
    heat=NUMBERS,
    plates=st.integers(-(2**63), 2**63 - 1),
    lit=st.booleans(),
    fuel=st.sampled_from(["gas", "wood"]),
    guests=st.none() | st.integers(0, 9),
    weight=st.none() | NUMBERS,
    pots=st.lists(TEXTS, max_size=3).map(tuple),
    times=st.lists(NUMBERS, max_size=3).map(tuple),
    spoons=st.none() | st.lists(TEXTS, max_size=3).map(tuple),
    spices=st.dictionaries(TEXTS, TEXTS, max_size=3),
)


@given(KITCHENS)
def test_what_is_written_is_read_back(kitchen: Kitchen) -> None:
    assert from_toml(Kitchen, to_toml(kitchen)) == kitchen


@given(KITCHENS)
def test_plain_values_are_read_back(kitchen: Kitchen) -> None:
    assert from_mapping(Kitchen, to_mapping(kitchen)) == kitchen


@pytest.mark.parametrize("name", ["😀", "𠮷野家", "\x00\x1f\x7f\x85\u2028", 'a "b" \\ c\r\n', "a/b"])
def test_any_text_survives_toml(name: str) -> None:
    assert from_toml(Kitchen, to_toml(Kitchen(name=name))).name == name


@pytest.mark.parametrize("heat", [float("inf"), float("-inf"), 1e22, 5e-324, -0.0, 0.1])
def test_any_number_survives_toml(heat: float) -> None:
    assert repr(from_toml(Kitchen, to_toml(Kitchen(heat=heat))).heat) == repr(heat)


def test_nothing_given_is_the_defaults() -> None:
    assert from_mapping(Kitchen, {}) == from_toml(Kitchen, "# empty") == Kitchen()


def test_what_is_none_is_not_written() -> None:
    assert "guests" not in to_toml(Kitchen())
    assert "guests = 0" in to_toml(Kitchen(guests=0))


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [("heat", 2, float), ("weight", 2, float), ("pots", ["a"], tuple), ("spoons", ["a"], tuple), ("guests", 3, int)],
)
def test_a_value_takes_the_type_of_its_field(key: str, value: object, kind: type) -> None:
    made = getattr(from_mapping(Kitchen, {key: value}), key)
    assert type(made) is kind


@given(st.sampled_from(["name", "plates", "spices"]), st.sampled_from("xyz"))
def test_an_unknown_key_names_the_nearest_known_one(key: str, letter: str) -> None:
    with pytest.raises(SettingsError, match=rf"unknown setting '{key}{letter}' for Kitchen; did you mean '{key}'\?"):
        from_mapping(Kitchen, {key + letter: 1})


def test_a_key_like_no_other_is_answered_with_all_of_them() -> None:
    with pytest.raises(SettingsError, match="known: name, heat, plates"):
        from_toml(Kitchen, "qqqqqq = 1")
    assert nearest("a", []) == "known: "


@pytest.mark.parametrize(
    ("values", "found", "wanted"),
    [
        ({"plates": 1.0}, "plates = 1.0", "a whole number"),
        ({"plates": True}, "plates = True", "a whole number"),
        ({"heat": True}, "heat = True", "a number"),
        ({"heat": "hot"}, "heat = 'hot'", "a number"),
        ({"lit": 1}, "lit = 1", "true or false"),
        ({"name": None}, "name = None", "a text"),
        ({"fuel": "coal"}, "fuel = 'coal'", "'gas' or 'wood'"),
        ({"guests": "two"}, "guests = 'two'", "a whole number"),
        ({"pots": "pan"}, "pots = 'pan'", "a list, each of it a text"),
        ({"pots": ["pan", 1]}, "pots = ['pan', 1]", "a list, each of it a text"),
        ({"spices": {"salt": 1}}, "spices = {'salt': 1}", "names and values"),
        ({"spices": ["salt"]}, "spices = ['salt']", "names and values"),
    ],
)
def test_a_value_of_another_type_is_refused(values: dict[str, Any], found: str, wanted: str) -> None:
    with pytest.raises(SettingsError, match=rf"{re.escape(found)} in Kitchen; wanted {re.escape(wanted)}$"):
        from_mapping(Kitchen, values)


def test_a_setting_without_a_default_must_be_given() -> None:
    assert from_mapping(Strict, {"needed": 1}) == Strict(1)
    with pytest.raises(SettingsError, match="needed"):
        from_mapping(Strict, {})


@pytest.mark.parametrize("text", ["name = ", "name = 'a'\nname = 'b'", "= 1", "[kitchen", "name = \ud800"])
def test_what_is_not_toml_is_said(text: str) -> None:
    with pytest.raises(SettingsError, match="not TOML"):
        from_toml(Kitchen, text)
