from vizsla.core.protocols import Passage
from vizsla.data.corpus import Corpus
from vizsla.data.examples import Example, with_texts
from vizsla.data.problems import Problems


def test_texts_are_put_to_ids_and_scores_stay_with_theirs() -> None:
    corpus = Corpus.build([Passage("1", "one", "t"), Passage("2", "two")])
    bare = Example("", (Passage("1", ""),), tuple(Passage(id_, "") for id_ in "829"), "q", (1.0,), (0.8, 0.2, 0.9))
    held = Example("text", (Passage("9", "own"),))
    problems = Problems()
    found = list(with_texts([(bare, "f:1"), (held, "f:2")], queries={"q": "what"}, corpus=corpus, problems=problems))
    filled = Example("what", (Passage("1", "one", "t"),), (Passage("2", "two"),), "q", (1.0,), (0.2,))
    assert found == [(filled, "f:1"), (held, "f:2")]
    assert problems.counts == {"unknown_text": 2}
    assert bare.lacks_texts
    assert not held.lacks_texts


def test_an_example_whose_query_has_no_text_is_left_out() -> None:
    problems = Problems()
    bare = [(Example("", (Passage("1", "a"),), query_id="q"), "f:1")]
    assert list(with_texts(bare, queries={}, corpus=Corpus.build([]), problems=problems)) == []
    assert problems.counts == {"unknown_text": 1}
