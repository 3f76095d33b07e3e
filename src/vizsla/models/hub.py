"""The hub: published folders fetched once, checked, and kept where huggingface_hub keeps them.

Knows huggingface_hub and its cache. Refuses to know what the files mean. Nothing is fetched before somebody
asks for a model. HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_HUB_OFFLINE and the proxies of the environment
are honoured. Beside the cached files stands a record of each commit, `vizsla/COMMIT.json`: what came, with its
size and SHA-256; a commit with a record that fits is loaded without the network.
"""

import errno
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models.hub_files import check, choose
from vizsla.models.registry import Entry

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

_MAIN = "main"
_TIMEOUT_S = 30.0
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ID = re.compile(r"(?:[\w-][\w.-]*/)?[\w-][\w.-]*", re.ASCII)


def download(hub_id: str, *, revision: str | None = None) -> Path:
    """The folder of a published model, fetched if it is not here yet.

    What came is compared with the SHA-256 that the hub names for it, and a file that differs is thrown away. A
    connection that breaks is taken up where it broke.

    Args:
        hub_id: owner and name, `sentence-transformers/all-MiniLM-L6-v2`.
        revision: a branch, a tag or a commit; None is `main`. A commit is the only one that never changes.

    Raises:
        SettingsError: no id or revision of the hub.
        ArtifactError: not on the hub, not open to this user, altered on its way, or offline and not here.
    """
    place = _Place.of(hub_id, revision or _MAIN)
    known = place.commit() if _offline() or _COMMIT.fullmatch(place.revision) else None
    if known and place.holds(known):
        return place.folder(known)
    if _offline():
        return place.kept(known, f"{hub_id}: HF_HUB_OFFLINE forbids the network")
    from huggingface_hub import HfApi

    try:
        with _told(place):
            api = HfApi(endpoint=_endpoint())
            info = api.model_info(hub_id, revision=place.revision, timeout=_TIMEOUT_S, files_metadata=True)
    except _UnreachableError as error:
        folder = place.kept(place.commit(), str(error))
        logging.getLogger("vizsla").warning("%s; what was fetched before is used: %s", error, folder)
        return folder
    return _fetch(place, info)


def download_entry(entry: Entry) -> tuple[Path, Path]:
    """The folders of a registered model's queries and passages, one folder twice where one serves both.

    Raises:
        ArtifactError: its files are not on the hub, or `download` failed.
    """
    if entry.store != "hub":
        raise ArtifactError(f"{entry.name}: its files are not on the hub. {entry.note} See {entry.url}")
    folders = [download(each) for each in entry.ids]
    return folders[0], folders[-1]


def downloaded(hub_id: str, *, revision: str | None = None) -> Path | None:
    """The folder of a published model if it was fetched before; asks no network."""
    place = _Place.of(hub_id, revision or _MAIN)
    commit = place.commit()
    return place.folder(commit) if commit and place.holds(commit) else None


class _UnreachableError(ArtifactError):
    """No answer from the hub."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the cache keeps a model: blobs, snapshots by commit, refs by branch, and our records."""

    hub_id: str
    revision: str
    root: Path

    @classmethod
    def of(cls, hub_id: str, revision: str) -> "_Place":
        if not _ID.fullmatch(hub_id) or ".." in hub_id or len(hub_id) > 96:
            raise SettingsError(f"found the hub id {hub_id!r}; wanted OWNER/NAME, such as sentence-transformers/LaBSE")
        if not re.fullmatch(r"\w[\w./-]*", revision, re.ASCII) or ".." in revision:
            raise SettingsError(f"found the revision {revision!r} of {hub_id}; wanted a branch, a tag or a commit")
        return cls(hub_id, revision, _cache() / f"models--{hub_id.replace('/', '--')}")

    def folder(self, commit: str) -> Path:
        return self.root / "snapshots" / commit

    def commit(self) -> str | None:
        """The commit that the revision was when it was last fetched."""
        if _COMMIT.fullmatch(self.revision):
            return self.revision
        ref = self.root / "refs" / self.revision
        commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else ""
        return commit if re.fullmatch(r"\w+", commit) else None

    def record(self, commit: str, files: Mapping[str, Mapping[str, object]]) -> None:
        written = {"id": self.hub_id, "commit": commit, "files": files}
        _write(self.root / "vizsla" / f"{commit}.json", json.dumps(written, indent=1, sort_keys=True))
        if not _COMMIT.fullmatch(self.revision):
            _write(self.root / "refs" / self.revision, commit)

    def holds(self, commit: str) -> bool:
        """Whether everything that was recorded is still here, in its size."""
        record = self.root / "vizsla" / f"{commit}.json"
        if not record.is_file():
            return False
        try:
            files = json.loads(record.read_text(encoding="utf-8"))["files"]
            sizes = {self.folder(commit) / check(name, where=str(record)): each["size"] for name, each in files.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(f"{record}: found no record of a download; delete the file and load again") from error
        return all(path.is_file() and path.stat().st_size == size for path, size in sizes.items())

    def kept(self, commit: str | None, why: str) -> Path:
        """What another program fetched, checked as our own is; `why` the network is not asked."""
        folder = self.folder(commit) if commit else self.root
        if commit is None or not folder.is_dir():
            raise ArtifactError(
                f"{why}, and its revision '{self.revision}' is not in {_cache()}; "
                "load it once with the network, or give the path of a folder"
            )
        if not self.holds(commit):
            inside = (path for path in folder.rglob("*") if path.is_file())
            names = choose([path.relative_to(folder).as_posix() for path in inside], where=str(folder))
            self.record(commit, {name: _checked(folder / name, {}, self) for name in names})
        return folder


def _fetch(place: _Place, info: "ModelInfo") -> Path:
    from huggingface_hub import hf_hub_download

    commit = info.sha or ""
    if not re.fullmatch(r"\w+", commit):
        raise ArtifactError(f"{place.hub_id}: found the commit {commit!r}; wanted a hash: is HF_ENDPOINT a hub?")
    siblings = {each.rfilename: each for each in info.siblings or ()}
    names = choose(siblings, where=place.hub_id)
    if not place.holds(commit):
        files, cache, at = {}, _cache(), _endpoint()
        for name in names:
            with _told(place):
                path = Path(hf_hub_download(place.hub_id, name, revision=commit, cache_dir=cache, endpoint=at))
            files[name] = _checked(path, _promised(siblings[name]), place)
        place.record(commit, files)
    elif place.commit() != commit:
        _write(place.root / "refs" / place.revision, commit)
    return place.folder(commit)


def _promised(listed: "RepoSibling") -> dict[str, object]:
    """What the hub's listing says of a file: its size, and its SHA-256 where it is a large one."""
    lfs = cast("Mapping[str, object]", listed.lfs or {})
    said = {"size": lfs.get("size") or listed.size, "sha256": lfs.get("sha256")}
    return {key: value for key, value in said.items() if value is not None}


def _checked(path: Path, promised: Mapping[str, object], place: _Place) -> dict[str, object]:
    """The size and digest of a file that came, compared with what was promised of it.

    The cache names a blob by its etag, which for a large file is its SHA-256.
    """
    blob = path.resolve()
    with path.open("rb") as stream:
        found: dict[str, object] = {
            "size": path.stat().st_size,
            "sha256": hashlib.file_digest(stream, "sha256").hexdigest(),
        }
    named = [{"sha256": blob.name}] if _SHA256.fullmatch(blob.name) else []
    for wanted in (promised, *named):
        for key, value in wanted.items():
            if found[key] != value:
                path.unlink()
                blob.unlink(missing_ok=True)
                raise ArtifactError(
                    f"{place.hub_id}: {path.name} came with {key} {found[key]}, the hub says {value}; "
                    "it was thrown away: load again, and if it comes so again do not trust the hub or the proxy"
                )
    return found


@contextmanager
def _told(place: _Place) -> Iterator[None]:
    """Whatever huggingface_hub raises, as one of ours that says what to do."""
    from huggingface_hub import errors

    # The head of the HTTP client's own errors, whichever client this release of huggingface_hub uses.
    transport = cast("type[Exception]", errors.HfHubHTTPError.__bases__[0])
    what, at = place.hub_id, _endpoint() or "the hub"
    try:
        yield
    except errors.GatedRepoError as error:
        message = f"{what}: found a gated model; accept its terms on its page at {at}, then set HF_TOKEN"
        raise ArtifactError(message) from error
    except errors.RepositoryNotFoundError as error:
        message = f"{what}: found no such model at {at}; check the id, or set HF_TOKEN if the model is private"
        raise ArtifactError(message) from error
    except errors.RevisionNotFoundError as error:
        raise ArtifactError(f"{what}: found no revision '{place.revision}' at {at}; check its name") from error
    except errors.HfHubHTTPError as error:
        raise _refused(what, error.response.status_code, at) from error
    except errors.HFValidationError as error:
        raise SettingsError(f"found the hub id {what!r}: {error}") from error
    except (OSError, transport) as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = f"{what}: found no room left in {_cache()}; free some, or set HF_HOME to a larger disk"
            raise ArtifactError(message) from error
        raise _UnreachableError(f"{what}: {at} could not be read ({_reason(error)})") from error


def _refused(what: str, status: int, at: str) -> ArtifactError:
    if status in {401, 403}:
        return ArtifactError(f"{what}: {at} answers {status}; set HF_TOKEN to a token that may read this model")
    if status == 404:
        return ArtifactError(f"{what}: {at} lists a file that it does not have; load again, or take another revision")
    return _UnreachableError(f"{what}: {at} answers {status}")


def _reason(error: BaseException) -> str:
    """The innermost cause in one line: what the wrappers around it hide."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:200] or type(error).__name__


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def _cache() -> Path:
    """Where huggingface_hub keeps models, read from the environment of now rather than of its import."""
    from huggingface_hub import constants

    home = os.environ.get("HF_HOME")
    return Path(os.environ.get("HF_HUB_CACHE") or (f"{home}/hub" if home else constants.HF_HUB_CACHE)).expanduser()


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
