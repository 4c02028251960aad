"""The one type that content travels in while it is open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Mapping


class Plain:
    """Opened content. Text of it anywhere (repr, str, format, logs) is `<sealed>`; `value` and `fields` give it on purpose."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Plain:
        """Return the content of a form's `fields` (JSON values): sorted keys, no blanks, UTF-8."""
        return cls(json.dumps(dict(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode())

    def value(self) -> bytes:
        """Return the content itself."""
        return self._data

    def fields(self) -> dict[str, Any]:
        """Return the fields that `of` was given.

        Raises:
            errors.CannotOpen: the content is not an object of fields.
        """
        try:
            found = json.loads(self._data)
        except ValueError:
            raise errors.CannotOpen(what="fields") from None
        if not isinstance(found, dict):
            raise errors.CannotOpen(what="fields")
        return found

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<sealed>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied to a place that outlives the request."""
        msg = "opened content is not written anywhere"
        raise TypeError(msg)
