"""The person's word: asked for at a desk, given by the host's own interface, worth one call, once, for a short while.

Two objects, made together by `open_desk`. The desk goes to the assistant: it takes requests and redeems approvals and can make
none. The host's side stays with the interface that shows the preview and has the button. A model, a message or a server only
ever brings text, and no text is either object; the secret in an approval is 256 random bits that no text was told.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge_llm.actions.policy import Review, binding
from edge_llm.actions.values import Call
from runtimes.errors import PolicyError

if TYPE_CHECKING:
    from edge_llm.actions.grants import Grants
    from edge_llm.actions.log import ActionLog

REQUEST_S = 600.0
"""Seconds that a person has to answer."""
APPROVAL_S = 60.0
"""Seconds in which an approved call must begin."""
_MOST = 64
"""Requests or approvals that wait at once; with one more, the oldest is given up."""


@dataclass(frozen=True)
class Request:
    """A call that waits for the person's word: what the host's interface shows."""

    id: str
    review: Review

    @property
    def call(self) -> Call:
        """The call."""
        return self.review.call


@dataclass(frozen=True)
class Approval:
    """The person agreed to one call. Worth something only to the desk that it was made at."""

    request_id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Clocks:
    """Seconds of two clocks: one that nobody can set, and one that runs on while the machine sleeps."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


@dataclass(frozen=True)
class _Term:
    """A while that ends when either clock says so, and when the wall clock was set back before its beginning."""

    began: float
    began_wall: float
    seconds: float

    def over(self, clocks: Clocks) -> bool:
        wall = clocks.wall()
        return (
            clocks.monotonic() - self.began >= self.seconds
            or wall - self.began_wall >= self.seconds
            or wall < self.began_wall - 1
        )


@dataclass(frozen=True)
class _Approved:
    binding: tuple[str, str]
    secret_hash: bytes
    term: _Term


class ApprovalDesk:
    """Takes requests and redeems approvals. Made by `open_desk`. Used by any number of threads at once."""

    def __init__(self, log: ActionLog, clocks: Clocks) -> None:
        """See `open_desk`."""
        self._log = log
        self._clocks = clocks
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Request, _Term]] = {}
        self._approved: dict[str, _Approved] = {}

    def request(self, review: Review) -> Request:
        """Ask for the person's word on a reviewed call. The log notes it.

        Raises:
            PolicyError: policy refuses the call whoever agrees. StorageError: the log cannot be written.
        """
        if review.refusals:
            self._log.append("refused", review.call, {"reasons": [reason.code for reason in review.refusals]})
            raise PolicyError(" ".join(reason.text for reason in review.refusals))
        request = Request(secrets.token_hex(8), review)
        reasons = [reason.code for reason in review.reasons]
        self._log.append("proposed", review.call, {"request": request.id, "reasons": reasons})
        with self._lock:
            self._waiting[request.id] = (request, self._term(REQUEST_S))
            _keep_latest(self._waiting)
        return request

    def redeem(self, approval: Approval, call: Call) -> None:
        """Use an approval up for a call; whatever comes of it, it is worth nothing afterwards.

        Raises:
            PolicyError: it was not made at this desk, was used, has expired, or is of another action or other arguments.
        """
        with self._lock:
            known = self._approved.pop(approval.request_id, None)
        if known is None or not secrets.compare_digest(known.secret_hash, _hash(approval.secret)):
            raise PolicyError(f"No approval of {call.action.id} is known here, or it was used. Ask again.")
        if known.term.over(self._clocks):
            raise PolicyError(f"The approval of {call.action.id} has expired. Ask again.")
        if known.binding != binding(call):
            raise PolicyError(f"The approval is of another call than this {call.action.id}. Ask again.")

    def _term(self, seconds: float) -> _Term:
        return _Term(self._clocks.monotonic(), self._clocks.wall(), seconds)

    def _take(self, request: Request) -> Request:
        """End the waiting of a request; the desk's own copy of it. Raises PolicyError."""
        with self._lock:
            known, term = self._waiting.pop(request.id, (None, None))
        if known is None or term is None or known is not request:
            raise PolicyError("This request is not waiting: it was answered, given up, or never made here. Ask again.")
        if term.over(self._clocks):
            self._log.append("expired", known.call, {"request": known.id})
            raise PolicyError("The request has expired. Ask again.")
        return known

    def _approve(self, request: Request, how: str) -> Approval:
        """Only `Host` calls this."""
        known = self._take(request)
        self._log.append("approved", known.call, {"request": known.id, "how": how})
        secret = secrets.token_bytes(32)
        with self._lock:
            self._approved[known.id] = _Approved(known.review.binding, _hash(secret), self._term(APPROVAL_S))
            _keep_latest(self._approved)
        return Approval(known.id, secret)

    def _deny(self, request: Request) -> None:
        known = self._take(request)
        self._log.append("denied", known.call, {"request": known.id})


class Host:
    """The person's side of a desk. Kept by the host's interface and shown to nothing else. Made by `open_desk`."""

    def __init__(self, desk: ApprovalDesk, grants: Grants) -> None:
        """See `open_desk`."""
        self._desk = desk
        self._grants = grants

    def __repr__(self) -> str:
        return "Host(...)"

    def approve(self, request: Request) -> Approval:
        """The person agreed to what the request's preview shows.

        Raises:
            PolicyError: the request is not waiting any more. StorageError: the log cannot be written; nothing is approved.
        """
        return self._desk._approve(request, "once")

    def always(self, request: Request) -> Approval:
        """The person agreed, and to every later call of this action with this recipient.

        Raises:
            PolicyError: the request is not waiting any more, or this cannot be allowed once for all (`Review.may_always`).
            StorageError: the log or the permission cannot be written; nothing is approved.
        """
        if not request.review.may_always:
            raise PolicyError(f"{request.call.action.id} cannot be allowed once for all with these values. Approve it once.")
        approval = self._desk._approve(request, "always")
        self._grants.allow(request.call)
        return approval

    def deny(self, request: Request) -> None:
        """The person did not agree. Raises PolicyError: the request is not waiting any more."""
        self._desk._deny(request)


def open_desk(log: ActionLog, grants: Grants, clocks: Clocks = Clocks()) -> tuple[ApprovalDesk, Host]:
    """A desk for the assistant, and its other side for the host's interface.

    Args:
        log: notes what is asked and answered.
        grants: where "always" is kept.
        clocks: what the time is; tests give their own.
    """
    desk = ApprovalDesk(log, clocks)
    return desk, Host(desk, grants)


def _keep_latest(waiting: dict[str, Any]) -> None:
    while len(waiting) > _MOST:
        waiting.pop(next(iter(waiting)))


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
