"""The body of a request: all of it in memory before the request takes its turn, and within bounds before it is read as a form.

A sender that trickles its body, or never ends it, would else hold the turnstile and with it the whole process. Such a sender
occupies a waiting thread only; the reverse proxy, which buffers bodies, keeps even that away (docs/operations.md).
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import abort, request

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_FIELDS = 1000  # as many as werkzeug takes of a form in parts
TOO_LARGE, NOT_FOUND = 413, 404
NUL = "\0"


def received(application: Callable[..., Iterable[bytes]], *, limit: int) -> Callable[..., Iterable[bytes]]:
    """Return the WSGI `application` with each body read before it is called: at most `limit` bytes and one more.

    A body that says it is longer is not read at all; one that turns out longer is cut behind the first byte too many. Both
    are refused by the application (413).
    """

    def complete(environ: Any, start_response: Any) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        announced = int(length) if length.isdecimal() and len(length) < 19 else None  # noqa: PLR2004 - any real length
        if announced != 0 and (announced is None or announced <= limit) and _has_body(environ):
            environ["wsgi.input"] = BytesIO(_read(environ["wsgi.input"], limit + 1 if announced is None else announced))
        return application(environ, start_response)

    return complete


def _has_body(environ: Any) -> bool:
    return bool(environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING"))


def _read(stream: Any, most: int) -> bytes:
    parts, left = [], most
    while left > 0 and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def check_address() -> None:
    """Refuse an address with a NUL character in its path or query: none of ours has one, and no database takes it (404)."""
    if NUL in request.path or any(NUL in value for values in request.args.listvalues() for value in values):
        abort(NOT_FOUND)


def check_form() -> None:
    """Read this request's form, and refuse what is no form of ours: too many fields (413), NUL characters (422).

    Fields of the protocol's sections, which have a point in their name, are left to the protocol: it refuses them beside the field.

    Raises:
        errors.InputInvalid: the fields with a NUL character.
    """
    if request.mimetype == "application/x-www-form-urlencoded" and request.get_data(parse_form_data=False).count(b"&") >= MOST_FIELDS:
        abort(TOO_LARGE)
    bad = {name for name, values in request.form.lists() if NUL in name or ("." not in name and any(NUL in value for value in values))}
    if bad:
        raise errors.InputInvalid(dict.fromkeys(sorted(bad), ("bad_characters",)))
