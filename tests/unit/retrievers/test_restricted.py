import numpy as np

from vizsla.retrievers.restricted import Restricted

from .tables import listed, table


def test_hits_are_of_the_set_and_of_what_is_allowed() -> None:
    made = Restricted(table([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, True]))
    assert listed(made.search(["0"], 4)) == [(0, 4.0), (2, 2.0), (3, 1.0)]
    assert listed(made.search(["0"], 4, np.array([True, True, False, True]))) == [(0, 4.0), (3, 1.0)]
