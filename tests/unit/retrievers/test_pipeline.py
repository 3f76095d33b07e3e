import numpy as np
import pytest

from vizsla.core.errors import SettingsError
from vizsla.retrievers.aggregated import Aggregated
from vizsla.retrievers.fused import Fused
from vizsla.retrievers.fusion import ReciprocalRank, WeightedSum
from vizsla.retrievers.pipeline import Pipeline, from_toml, parse, to_toml
from vizsla.retrievers.reranked import Reranked
from vizsla.retrievers.shortened import Shortened
from vizsla.retrievers.thresholded import Thresholded
from vizsla.retrievers.tracing import Named

from .tables import Texts, listed, scorer, table

STAGES = {"bm25": table([3.0, 2.0, 1.0, None]), "dense": table([None, 0.1, 0.2, 0.3]), "top": table([1.0] * 4)}
RERANKERS = {"minilm": scorer([1.0, 2.0, 3.0, 4.0])}
WHOLE = (
    'rrf(bm25, weighted((dense >> top(50))=0.7, "top"=0.3, norm=zscore)=2, depth=20) '
    ">> rerank(minilm, depth=2, budget_ms=1000, tail=cut) >> min_score(0.5) >> parents(sum) >> top(10)"
)


def test_the_names_it_needs() -> None:
    pipeline = parse("rrf(bm25, rrf(bm25, dense >> rerank(one))) >> rerank(two) >> rerank(one)")
    assert pipeline.stages() == ("bm25", "dense")
    assert pipeline.rerankers() == ("one", "two")
    assert (parse("bm25").stages(), parse("bm25").rerankers()) == (("bm25",), ())


def test_it_makes_what_it_says() -> None:
    texts, parents = Texts(), np.array([0, 0, 1, -1])
    bm25, dense, top = Named(STAGES["bm25"], "bm25"), Named(STAGES["dense"], "dense"), Named(STAGES["top"], "top")
    inner = Fused(
        (Shortened(dense, 50, "top(50)"), top),
        WeightedSum((0.7, 0.3), "zscore"),
        100,
        'weighted((dense >> top(50))=0.7, "top"=0.3, norm=zscore)',
    )
    fused = Fused((bm25, inner), ReciprocalRank((1.0, 2.0)), 20, str(parse(WHOLE).source))
    name = "rerank(minilm, depth=2, budget_ms=1000, tail=cut)"
    reranked = Reranked(fused, RERANKERS["minilm"], texts, 2, 1000.0, "cut", name)
    made = parse(WHOLE).make(STAGES, RERANKERS, texts, parents)
    assert isinstance(made, Shortened)
    assert (made.most, made.name) == (10, "top(10)")
    assert isinstance(made.base, Aggregated)
    assert (made.base.how, made.base.depth, made.base.name) == ("sum", 100, "parents(sum)")
    assert made.base.parents is parents
    assert made.base.base == Thresholded(reranked, 0.5, "min_score(0.5)")


def test_it_searches_and_traces() -> None:
    made = parse("rrf(bm25, dense) >> rerank(minilm, depth=2)").make(STAGES, RERANKERS, Texts())
    trace = made.trace(["0"], 4)
    assert [stage.name for stage in trace.stages] == ["bm25", "dense", "rrf(bm25, dense)", "rerank(minilm, depth=2)"]
    assert listed(trace.hits) == listed(made.search(["0"], 4))
    assert [position for position, _ in listed(trace.stages[2].hits)] == [1, 2, 0, 3]
    assert [position for position, _ in listed(trace.hits)] == [2, 1, 0, 3]
    assert [stage.name for stage in parse("bm25").make(STAGES, {}, Texts()).trace(["0"], 1).stages] == ["bm25"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rrf(bm52, dense)", "unknown stage 'bm52' in a pipeline; did you mean 'bm25'?"),
        ("bm25 >> rerank(minilmm)", "unknown reranker 'minilmm' in a pipeline; did you mean 'minilm'?"),
        ("bm25 >> parents(max)", "wanted passages with parents"),
    ],
)
def test_what_is_not_there_cannot_be_made(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said.replace("?", r"\?")):
        parse(text).make(STAGES, RERANKERS, Texts())
    with pytest.raises(SettingsError, match="there are no stages here"):
        parse("bm25").make({}, {}, Texts())


@pytest.mark.parametrize("text", ["bm25", '"维 \\" \\\\"', "rrf(a, b)", WHOLE, "a >> rerank(m) >> top(3) >> parents()"])
def test_toml_keeps_a_pipeline(text: str) -> None:
    assert from_toml(to_toml(parse(text))) == parse(text)


def test_toml_states_every_setting() -> None:
    assert to_toml(parse("rrf(bm25, dense >> top(5)) >> rerank(minilm)")) == (
        "[[steps]]\n"
        'kind = "rrf"\n'
        'bases = ["bm25", {steps = [{kind = "stage", name = "dense"}, {kind = "top", k = 5}]}]\n'
        "weights = [1.0, 1.0]\n"
        "k = 60\n"
        "depth = 100\n"
        "\n"
        "[[steps]]\n"
        'kind = "rerank"\n'
        'reranker = "minilm"\n'
        "depth = 30\n"
        'tail = "keep"\n'
    )


def test_toml_may_leave_out_what_is_as_usual() -> None:
    text = '[[steps]]\nkind = "weighted"\nbases = ["a", "b"]\n[[steps]]\nkind = "parents"\n'
    assert str(from_toml(text)) == "weighted(a, b) >> parents(max)"


STAGE = '[[steps]]\nkind = "stage"\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps = 3", "wanted at least one table"),
        ("", "wanted at least one table"),
        ("steps = []", "wanted at least one table"),
        ("[[step]]", "unknown key 'step' in the pipeline; did you mean 'steps'"),
        ("[[steps]", "not TOML"),
        ("a = " + "[" * 30000, "not TOML"),
        ("#" * 70000, "70,000 characters"),
        ('[[steps]]\nkind = "stge"', "unknown kind 'stge' in step 1 of the pipeline; did you mean 'stage'"),
        ("[[steps]]\nk = 1", "unknown kind None"),
        ('[[steps]]\nkind = "stage"', "a stage with nothing"),
        ('[[steps]]\nkind = "stage"\nname = 3', 'wanted name = "..."'),
        ('[[steps]]\nkind = "stage"\nname = ""', "name of a stage"),
        ('[[steps]]\nkind = "top"\nk = 3', "top\\(3\\) at the beginning"),
        (STAGE * 2, "found a as step 2 of the pipeline"),
        (STAGE + '[[steps]]\nkind = "top"', "step 2 of the pipeline: found no value for k"),
        (STAGE + '[[steps]]\nkind = "top"\nk = "3"', "step 2 of the pipeline: found k = '3'"),
        (STAGE + '[[steps]]\nkind = "top"\nk = 0', "step 2 of the pipeline: found a depth of 0"),
        (STAGE + '[[steps]]\nkind = "rerank"\nreranker = "m"\ndept = 3', "'dept' for Rerank; did you mean 'depth'"),
        (STAGE + '[[steps]]\nkind = "rerank"\nreranker = "m"\ntail = "drop"', "wanted 'keep' or 'cut'"),
        (STAGE + '[[steps]]\nkind = "min_score"\nscore = nan', "least score nan"),
        ('[[steps]]\nkind = "rrf"\nbases = [3]', "found 3 among the bases in step 1"),
        ('[[steps]]\nkind = "rrf"\nbases = "a"', "step 1 of the pipeline: found bases = 'a'"),
        ('[[steps]]\nkind = "rrf"\nbases = []', "0 pipelines to fuse"),
        ('[[steps]]\nkind = "rrf"\nbases = ["a"]\nweights = [1, 2]', "2 weights for 1"),
        ('[[steps]]\nkind = "rrf"\nbases = [{stps = []}]', "unknown key 'stps' in a base in step 1"),
    ],
)
def test_what_is_no_pipeline_in_toml(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        from_toml(text)


def test_fusions_in_toml_nest_only_so_deep() -> None:
    base = '"a"'
    for _ in range(9):
        base = f'{{steps = [{{kind = "rrf", bases = [{base}]}}]}}'
    with pytest.raises(SettingsError, match="among the bases"):
        from_toml(f'[[steps]]\nkind = "rrf"\nbases = [{base}]')


def test_a_pipeline_is_a_value() -> None:
    assert parse("rrf(a, b)") == parse("rrf(a=1, b=1.0, k=60)")
    assert len({parse("rrf(a, b)"), parse("rrf(a, b, depth=100)"), parse("rrf(b, a)")}) == 2
    assert Pipeline("a") != Pipeline("b")
