import errno
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models import hub as hub_module
from vizsla.models.hub import download, download_entry, downloaded
from vizsla.models.hub_files import choose
from vizsla.models.registry import find

from .hub_server import COMMIT, Hub, serving, sha256

MODEL = "owner/model"
WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "vocab.txt": b"[PAD]\n[UNK]\n",
    "1_Pooling/config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"the same again",
    "tf_model.h5": b"another framework",
    "flax_model.msgpack": b"a third",
    "modeling.py": b"raise SystemExit",
    "README.md": b"about",
    "onnx/model.onnx": b"a graph",
    "checkpoint-500/config.json": b"{}",
}
WANTED = {"config.json", "vocab.txt", "1_Pooling/config.json", "model.safetensors"}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(Hub({MODEL: dict(FILES)})) as served:
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HF_ENDPOINT", f"{served.address}/")
        yield served


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def record_of(folder: Path) -> Path:
    return folder.parents[1] / "vizsla" / f"{folder.name}.json"


def test_only_what_a_reader_needs_is_fetched(hub: Hub, tmp_path: Path) -> None:
    folder = download(MODEL)
    assert folder == tmp_path / "home/hub/models--owner--model/snapshots" / COMMIT
    assert files_of(folder) == WANTED
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert not [path for path in hub.paths("GET") if path.endswith((".py", ".h5", ".bin", ".md"))]


def test_the_commit_and_the_digests_are_recorded(hub: Hub) -> None:
    record = json.loads(record_of(download(MODEL)).read_text())
    assert (record["id"], record["commit"], set(record["files"])) == (MODEL, COMMIT, WANTED)
    for name, said in record["files"].items():
        assert said == {"size": len(FILES[name]), "sha256": sha256(FILES[name])}


def test_a_second_load_fetches_no_file(hub: Hub) -> None:
    first = download(MODEL)
    hub.asked.clear()
    assert download(MODEL) == first
    assert hub.asked == [("GET", f"/api/models/{MODEL}/revision/main", "")]


def test_a_fetched_commit_asks_nothing(hub: Hub) -> None:
    first = download(MODEL, revision=COMMIT)
    hub.asked.clear()
    assert download(MODEL, revision=COMMIT) == first
    assert not hub.asked


def test_a_new_commit_is_fetched_beside_the_old(hub: Hub) -> None:
    old = download(MODEL)
    hub.commit = "f" * 40
    hub.models[MODEL]["config.json"] = b'{"model_type": "roberta"}'
    new = download(MODEL)
    assert (old / "config.json").read_bytes() != (new / "config.json").read_bytes()
    assert downloaded(MODEL) == new
    assert download(MODEL, revision=COMMIT) == old


def test_a_broken_connection_is_taken_up_where_it_broke(hub: Hub) -> None:
    hub.models[MODEL]["model.safetensors"] = large = WEIGHTS * 12
    hub.drop_after = 11 << 20  # the client keeps what came in pieces of 10 MB
    folder = download(MODEL)
    assert (folder / "model.safetensors").read_bytes() == large
    first, second = [asked for verb, path, asked in hub.asked if verb == "GET" and path.startswith("/blobs/")]
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= 11 << 20


def test_offline_loads_what_was_fetched(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = download(MODEL)
    hub.asked.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert download(MODEL) == download(MODEL, revision=COMMIT) == first
    assert not hub.asked


def test_offline_loads_what_another_program_fetched(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    first = download(MODEL)
    record_of(first).unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert download(MODEL) == first
    assert set(json.loads(record_of(first).read_text())["files"]) == WANTED


def test_offline_and_not_here_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ArtifactError, match=r"owner/model: HF_HUB_OFFLINE.*load it once with the network"):
        download(MODEL)
    assert not hub.asked


def test_a_hub_that_does_not_answer_leaves_what_was_fetched(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    first = download(MODEL)
    hub.down = True
    with caplog.at_level(logging.WARNING, "vizsla"):
        assert download(MODEL) == first
    assert "answers 503; what was fetched before is used" in caplog.text


def test_no_hub_at_all_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ArtifactError, match=r"owner/model: http://127.0.0.1:1 could not be read \(.+\), and its"):
        download(MODEL)


def test_a_file_that_came_altered_is_thrown_away(hub: Hub) -> None:
    hub.altered = True
    with pytest.raises(ArtifactError, match=f"model.safetensors came with sha256 .*the hub says {sha256(WEIGHTS)}"):
        download(MODEL)
    assert downloaded(MODEL) is None
    hub.altered = False
    assert (download(MODEL) / "model.safetensors").read_bytes() == WEIGHTS


def test_a_file_cut_after_it_came_is_fetched_again(hub: Hub) -> None:
    folder = download(MODEL)
    (folder / "vocab.txt").resolve().unlink()
    assert downloaded(MODEL) is None
    assert (download(MODEL) / "vocab.txt").read_bytes() == FILES["vocab.txt"]


@pytest.mark.parametrize("name", ["../../escape.json", "/etc/cron.d/x.json", "a/../../b.json", "a\\..\\b.json", ""])
def test_a_name_that_leaves_the_folder_refuses_the_model(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.extra = [name]
    with pytest.raises(ArtifactError, match="wanted one inside the folder: nothing was fetched"):
        download(MODEL)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_commit_that_is_a_path_is_refused(hub: Hub) -> None:
    hub.commit = "../../../escape"
    with pytest.raises(ArtifactError, match=r"found the commit '\.\./"):
        download(MODEL)


def test_what_is_not_there_is_said(hub: Hub) -> None:
    with pytest.raises(ArtifactError, match="owner/other: found no such model"):
        download("owner/other")
    with pytest.raises(ArtifactError, match="found no revision 'v9'"):
        download(MODEL, revision="v9")
    hub.extra = ["tokenizer.json"]
    with pytest.raises(ArtifactError, match="lists a file that it does not have"):
        download(MODEL)


def test_a_gated_model_asks_for_a_token(hub: Hub) -> None:
    hub.gated = True
    with pytest.raises(ArtifactError, match=r"gated model; accept its terms .* HF_TOKEN"):
        download(MODEL)


@pytest.mark.parametrize("hub_id", ["", "../x", "a/b/c", "a b", "owner/..", "x" * 97])
def test_what_is_no_id_is_refused(hub: Hub, hub_id: str) -> None:
    with pytest.raises(SettingsError, match="wanted OWNER/NAME"):
        download(hub_id)
    with pytest.raises(SettingsError, match="wanted a branch"):
        download(MODEL, revision="../main")


def test_a_full_disk_is_said(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", full)
    with pytest.raises(ArtifactError, match=r"found no room left in .*HF_HOME"):
        download(MODEL)


def test_a_record_that_is_none_is_said(hub: Hub) -> None:
    record = record_of(download(MODEL))
    for text in ("[]", "{", '{"files": {"../x": {"size": 1}}}', '{"files": {"a": 1}}'):
        record.write_text(text)
        with pytest.raises(ArtifactError, match=r"delete the file|wanted one inside"):
            download(MODEL)


def test_both_towers_are_fetched(hub: Hub) -> None:
    entry = find("efficient-splade-VI-BT-large")
    hub.models = {each: {"config.json": b"{}", "pytorch_model.bin": each.encode()} for each in entry.ids}
    queries, passages = download_entry(entry)
    assert (queries / "pytorch_model.bin").read_text() == "naver/efficient-splade-VI-BT-large-query"
    assert (passages / "pytorch_model.bin").read_text() == "naver/efficient-splade-VI-BT-large-doc"


def test_one_folder_serves_both_sides(hub: Hub) -> None:
    entry = find("all-MiniLM-L6-v2")
    hub.models = {entry.id: dict(FILES)}
    queries, passages = download_entry(entry)
    assert queries == passages


def test_a_model_of_another_store_says_where_it_is(hub: Hub) -> None:
    with pytest.raises(ArtifactError, match=r"rocketqa-zh-base: its files are not on the hub\. Only on Baidu's"):
        download_entry(find("rocketqa-zh-base-query-encoder"))
    with pytest.raises(ArtifactError, match=r"On ModelScope.*modelscope\.cn/models/damo/nlp_corom"):
        download_entry(find("corom-zh-tiny"))
    assert not hub.asked


def test_the_cache_of_the_environment_is_used(hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    assert download(MODEL).is_relative_to(tmp_path / "elsewhere")


def test_importing_loads_no_client() -> None:
    assert not hasattr(hub_module, "huggingface_hub")


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["a.json", "pytorch_model.bin", "optimizer.bin", "training_args.bin"], ["a.json", "pytorch_model.bin"]),
        (["model-00001-of-2.safetensors", "model-00002-of-2.safetensors", "model.safetensors.index.json"], None),
        (["model.safetensors", "model.fp16.safetensors"], ["model.safetensors"]),
        (["model_state.pdparams", "model_config.json", "vocab.txt"], None),
        (
            ["onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_quint8.onnx", "config.json"],
            ["config.json", "onnx/model.onnx", "onnx/model.onnx_data"],
        ),
        (["query_0_SparseStaticEmbedding/model.safetensors", "document_0_MLMTransformer/pytorch_model.bin"], None),
        (["model.safetensors", "2_Dense/pytorch_model.bin", "2_Dense/model.safetensors", "openvino/x.bin"], [
            "2_Dense/model.safetensors", "model.safetensors",
        ]),
    ],
)  # fmt: skip
def test_one_kind_of_weights_a_folder(names: list[str], wanted: list[str] | None) -> None:
    assert choose(names, where="x") == (wanted or sorted(names))


def test_a_repository_without_weights_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"found no weights \(tf_model.h5\)"):
        choose(["tf_model.h5"], where="owner/model")
