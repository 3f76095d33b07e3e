"""The lock of the one writer: held while a change is under way, given back by the system when its holder dies.

Knows a file and `flock`. Refuses to know what is written.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vizsla.core.errors import ArtifactError, OverloadedError

FILE = "writer.lock"
_SAID_BYTES = 200


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the writer of a collection inside the `with` block.

    Raises:
        OverloadedError: there is another one; the message says which.
        ArtifactError: the folder cannot be written to, or its files not be locked.
    """
    path = folder / FILE
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)  # it is written to
    except OSError as error:
        advice = "it can be searched; to change it, make the folder writable"
        raise ArtifactError(f"{path}: cannot be written to ({error.strerror}); {advice}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, _SAID_BYTES, 0).decode("utf-8", "replace").strip() or "another process"
            raise OverloadedError(f"{folder}: {holder} is writing to it; try again when it is done") from None
        except OSError as error:
            advice = "put the collection on a disk whose files can be locked"
            raise ArtifactError(f"{path}: cannot be locked ({error.strerror}); {advice}") from error
        said = f"process {os.getpid()} on {socket.gethostname()}\n".encode()
        with suppress(OSError):  # on a full disk the lock holds all the same
            os.ftruncate(handle, 0)
            os.pwrite(handle, said, 0)
        yield
    finally:
        os.close(handle)
