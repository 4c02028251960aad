"""Tombstones: the list, outside the database, of grants that were destroyed; a restored backup replays it before the service opens.

One line a grant: `1 <grant id> <time>`. Lines are only appended, each on disk before its outbox row goes. The same id twice means the
same, and a line that was cut off by a crash is followed by a whole one.
"""

from __future__ import annotations

import logging
import os
import uuid
from datetime import UTC
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from referral_hub import errors
from referral_hub.vault.records import GrantRow, ReleaseRow, TombstoneRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

_FIELDS = 3
_BATCH = 1000


def append(file: Path, marks: Sequence[tuple[uuid.UUID, datetime]]) -> None:
    """Append a line for each (grant id, time) and return when they are on disk; raises OSError when that fails."""
    text = "".join(f"1 {grant_id} {at.astimezone(UTC).isoformat()}\n" for grant_id, at in marks)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (b"\n" if torn else b"") + text.encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)


def append_if_possible(file: Path, marks: Sequence[tuple[uuid.UUID, datetime]]) -> None:
    """Append after a commit; when the file cannot be written the outbox still has the rows, and `write_pending` tries again."""
    try:
        append(file, marks)
    except OSError:
        log.warning("tombstones wait in the outbox: %d", len(marks))


def write_pending(session: Session, *, file: Path) -> int:
    """Write the outbox to `file`, at most a thousand rows, and delete what was written; return how many.

    Rows are deleted in the caller's transaction, after the lines are on disk: a crash between the two writes them again.
    """
    query = select(TombstoneRow.grant_id, TombstoneRow.destroyed_at).limit(_BATCH).with_for_update(skip_locked=True)
    marks = [(row.grant_id, row.destroyed_at) for row in session.execute(query)]
    if marks:
        append(file, marks)
        written = delete(TombstoneRow).where(TombstoneRow.grant_id.in_([grant_id for grant_id, _ in marks]))
        session.execute(written, execution_options={"synchronize_session": False})
    return len(marks)


def replay(session: Session, *, file: Path) -> int:
    """Destroy again, after a restore, every grant that has a tombstone; return how many release secrets had come back.

    Raises:
        errors.Unavailable: `tombstones_missing`; the service must not open without them.
    """
    gone = read(file)
    revived = 0
    for start in range(0, len(gone), _BATCH):
        some = gone[start : start + _BATCH]
        doomed = delete(ReleaseRow).where(ReleaseRow.grant_id.in_(some)).returning(ReleaseRow.grant_id)
        revived += len(session.scalars(doomed, execution_options={"synchronize_session": False}).all())
        standing = update(GrantRow).where(GrantRow.id.in_(some)).values(standing="revoked")
        session.execute(standing, execution_options={"synchronize_session": False})
    return revived


def require_replayed(session: Session, *, file: Path) -> None:
    """Check that this database is not an old backup that nobody has replayed the tombstones into; before the service opens.

    Raises:
        errors.Unavailable: `tombstones_missing`, grants were destroyed here but the list is not at hand; `restore_not_replayed`, a grant
            of the list has its release secret again (`referral-hub database replay`).
    """
    if not file.exists():
        written = select(GrantRow.id).where(GrantRow.standing == "revoked", GrantRow.id.not_in(select(TombstoneRow.grant_id)))
        if session.scalar(written.limit(1)) is not None:
            raise errors.Unavailable("tombstones_missing")
        return
    gone = read(file)
    for start in range(0, len(gone), _BATCH):
        back = select(ReleaseRow.grant_id).where(ReleaseRow.grant_id.in_(gone[start : start + _BATCH]))
        if session.scalar(back.limit(1)) is not None:
            raise errors.Unavailable("restore_not_replayed")


def read(file: Path) -> list[uuid.UUID]:
    """Return the grant ids of the file, each once; lines cut off by a crash are passed over. Raises like `replay`."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise errors.Unavailable("tombstones_missing") from None
    found: dict[uuid.UUID, None] = {}
    for line in lines:
        fields = line.split(" ")
        if len(fields) == _FIELDS and fields[0] == "1":
            found[uuid.UUID(fields[1])] = None
    return list(found)
