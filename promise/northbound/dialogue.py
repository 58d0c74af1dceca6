"""One NETCONF session at work: requests are decided strictly in order, and answered in that order.

    wire --bytes--> session --requests--> _take_requests --> Requests.answer    one at a time
                                               | answers, some of them pending
                                               v
                                          _answer_in_order --> session.reply --bytes--> wire
                             subscription --> _notify -------> session.message --bytes---^

A request is decided only while there is room: fewer than `pipeline` answers outstanding, less than `LARGEST_BACKLOG`
bytes of answers waiting, and a wire that takes what we write. While there is no room nothing more is read, so a
client that never reads its answers costs a bounded amount of memory.

A notification waits for the answers to everything that was asked before it came, and for a wire that takes it; what
comes after it waits in the journal meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from promise.errors import NoRoom
from promise.northbound.faults import fault, rpc_error
from promise.northbound.framing import CHUNK
from promise.northbound.message import split
from promise.northbound.monitor import Ending
from promise.northbound.patience import Limits, Stopwatch
from promise.northbound.port import Pending
from promise.northbound.requests import Farewell
from promise.northbound.session import Broken, Opened, Rejected, Request

if TYPE_CHECKING:
    from promise.northbound.access import Caller
    from promise.northbound.message import Envelope
    from promise.northbound.monitor import Monitor
    from promise.northbound.port import Subscription
    from promise.northbound.requests import Requests
    from promise.northbound.session import Event, Session
    from promise.northbound.wire import Wire

LARGEST_BACKLOG: Final = 1024 * 1024
READ_AHEAD: Final = 64 * 1024
"""Bytes of further requests that are taken from the wire while a request is being decided."""

READING: Final = frozenset({"get", "get-config", "get-data", "get-schema"})
"""What changes nothing: where it goes well, it is told in the log only when everything is (as in `restconf.door`)."""

_LONGEST_NAME: Final = 64
_log: Final = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Answer:
    """The answer to one request, in the making; `layer` is the error-type of what goes wrong with it."""

    envelope: Envelope
    operation: str
    layer: str
    started: float
    content: bytes | Pending = b""
    outcome: str = "ok"


class Dialogue:
    """Drives one session. `run` is its life; what else is public is called by the wire and by other sessions."""

    def __init__(
        self, session: Session, wire: Wire, caller: Caller, requests: Requests, limits: Limits, monitor: Monitor
    ) -> None:
        self.caller = caller
        self.refusal = ""
        """Why there is no room for this session: it is told as the answer to its first request, and closed."""
        self._monitor = monitor
        self._record = monitor.begin(caller)
        self._ending = Ending.DROPPED
        self._killed_by = 0
        self._session = session
        self._wire = wire
        self._requests = requests
        self._limits = limits
        self._log = _log.bind(session=caller.session_id, user=caller.username, transport=caller.transport)
        self._answers: deque[_Answer] = deque()  # those that wait, and the one that is being sent
        self._backlog = 0  # bytes in them
        self._news = asyncio.Event()  # for _take_requests: bytes, room, or the end
        self._work = asyncio.Event()  # for _answer_in_order: an answer, or the end
        self._writable = asyncio.Event()
        self._writable.set()
        self._stalled = Stopwatch(limits.stall_timeout, self._give_up)
        self._unfinished = Stopwatch(limits.message_timeout, self._drop_message)
        self._busy = True  # what is received cannot be looked at this moment
        self._reading = True
        self._heard = 0.0  # when the client last sent something
        self._opened = False
        self._no_more = False  # there will be no further bytes
        self._all_taken = False  # there will be no further answers
        self._lost = False  # there is nobody to answer
        self._status = 0
        self._watch: asyncio.TimerHandle
        self._tasks: asyncio.TaskGroup
        self._notifiers: set[asyncio.Task[None]] = set()
        self.stream: Subscription | None = None
        self._sending = asyncio.Lock()  # a message that goes in several pieces keeps all others away
        self._asked = 0  # requests taken, and
        self._answered = 0  # of these so many answered
        self._progress = asyncio.Event()  # for _notify: an answer was given

    async def run(self) -> None:
        """Hold the session: from our hello until everything that can be answered is answered."""
        loop = asyncio.get_running_loop()
        self._heard = loop.time()
        self._watch = loop.call_later(self._limits.hello_timeout, self._expect_hello)
        try:
            self._wire.write(self._session.hello())
            async with asyncio.TaskGroup() as self._tasks:
                answering = self._tasks.create_task(self._answer_in_order())
                await self._take_requests()
                self._all_taken = True
                self._session.close()
                self._work.set()
                await answering
                for notifier in self._notifiers:
                    notifier.cancel()
        except* Exception as bugs:  # noqa: BLE001 - one session's trouble is not another's
            self._status = 1
            self._log.error("session-failed", exc_info=bugs)
        finally:
            self._watch.cancel()
            self._stalled.stop()
            self._unfinished.stop()
            self._monitor.end(self._record, self._ending, self._killed_by)
            if self._opened:
                self._log.info("session-closed", reason=self._ending.value)
            self._wire.finish(self._status)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client; stop the wire when there are more than can be used at the moment."""
        self._heard = asyncio.get_running_loop().time()
        self._session.receive(data)
        if self._busy and self._reading and self._session.unread > READ_AHEAD:
            self._reading = False
            self._wire.pause_reading()
        self._news.set()

    def eof_received(self) -> None:
        """Note that the client sends nothing more; what it has sent is answered."""
        self._no_more = True
        self._news.set()

    def connection_lost(self) -> None:
        """Note that nobody listens any more; what is being decided is decided to its end."""
        self._lost = True
        self._writable.set()
        self.stop()

    def pause_writing(self) -> None:
        """Note that the client does not read."""
        self._writable.clear()
        if not self._lost:
            self._stalled.start()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._stalled.stop()
        self._writable.set()
        self._news.set()

    def stop(self) -> None:
        """Take no further request; those that are being decided are answered, then the session is closed."""
        self._no_more = True
        self._session.close()
        self._news.set()

    def kill(self, by: Caller) -> None:
        """End the session now, on behalf of another one (RFC 6241 section 7.9)."""
        self._log.info("session-killed", by_user=by.username, by_session=by.session_id)
        self._status = 1
        self._ending, self._killed_by = Ending.KILLED, by.session_id
        self.connection_lost()
        self._wire.abort()

    @property
    def subscribed(self) -> bool:
        """Whether notifications are being sent."""
        return bool(self._notifiers)

    def subscribe(self, subscription: Subscription) -> None:
        """Send what the subscription tells, from the answer to the present request on."""
        notifier = self._tasks.create_task(self._notify(subscription))
        self._notifiers.add(notifier)
        notifier.add_done_callback(self._notifiers.discard)

    async def _take_requests(self) -> None:
        """Decide one request after the other."""
        while True:
            await self._room()
            event = self._session.next_event()
            if event is not None:
                self._unfinished.stop()
                if not await self._handle(event):
                    return
            elif self._no_more:
                return
            else:
                await self._more_bytes()

    async def _room(self) -> None:
        while not self._lost and (
            len(self._answers) >= self._limits.pipeline
            or self._backlog > LARGEST_BACKLOG
            or not self._writable.is_set()
        ):
            self._news.clear()
            await self._news.wait()

    async def _more_bytes(self) -> None:
        self._news.clear()
        self._busy = False
        if self._session.unfinished:
            self._unfinished.start()
        if not self._reading:
            self._reading = True
            self._wire.resume_reading()
        await self._news.wait()
        self._busy = True

    async def _handle(self, event: Event) -> bool:
        """Act on what the client said; False when it was the last thing that is listened to."""
        match event:
            case Request(envelope, operation):
                self._asked += 1
                self._record.counts.in_rpcs += 1
                name = split(operation.tag)[1][:_LONGEST_NAME]
                answer = _Answer(envelope, name, self._requests.layer(operation), time.perf_counter())
                try:
                    if self.refusal:
                        raise NoRoom(self.refusal)  # noqa: TRY301 - told like every error
                    content = await self._requests.answer(self.caller, operation)
                except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
                    content = self._failure(answer, error)
                self._give(answer, content.content if isinstance(content, Farewell) else content)
                if isinstance(content, Farewell):
                    self._ending = Ending.CLOSED
                return not (self.refusal or isinstance(content, Farewell))
            case Rejected(envelope, error):
                self._asked += 1
                self._record.counts.in_bad_rpcs += 1
                answer = _Answer(envelope, "", "rpc", time.perf_counter())
                self._give(answer, self._failure(answer, error))
            case Opened(base_1_1):
                self._opened = True
                self._monitor.open(self._record)
                self._log.info("session-opened", source=self.caller.source, base="1.1" if base_1_1 else "1.0")
            case Broken(reason):
                self._status = 1
                self._ending = Ending.OTHER if self._opened else Ending.BAD_HELLO
                self._log.warning("session-broken", reason=reason)
                return False
        return True

    def _give(self, answer: _Answer, content: bytes | Pending) -> None:
        """Send an answer: right now when nothing has to go first and nothing has to be waited for, else in order."""
        answer.content = content
        if isinstance(content, bytes):
            at_once = len(content) < CHUNK and not self._answers
            if at_once and self._writable.is_set() and not self._sending.locked():
                pieces = self._session.reply(answer.envelope, content)
                if len(pieces) == 1:
                    self._write(pieces[0])
                    self._told(answer)
                    return
            self._backlog += len(content)
        self._answers.append(answer)
        self._work.set()

    async def _answer_in_order(self) -> None:
        """Send the answers that had to wait, until there are none and will be none."""
        while self._answers or not self._all_taken:
            if not self._answers:
                self._work.clear()
                await self._work.wait()
                continue
            answer = self._answers[0]
            content = answer.content
            if isinstance(content, Pending):
                content = await self._settled(answer, content)
            else:
                self._backlog -= len(content)
            await self._send(answer, content)
            self._answers.popleft()
            self._news.set()

    async def _settled(self, answer: _Answer, pending: Pending) -> bytes:
        """Wait for an answer; somebody else's cancelling of it is an error like others."""
        task = asyncio.current_task()
        try:
            return await pending.reply
        except asyncio.CancelledError as error:
            if task is not None and task.cancelling():
                raise
            return self._failure(answer, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            return self._failure(answer, error)

    def _failure(self, answer: _Answer, error: BaseException) -> bytes:
        told = [fault(one) for one in (error.exceptions if isinstance(error, ExceptionGroup) else [error])]
        answer.outcome = told[0].row.tag
        known, modern = self._requests.prefixes, self._session.base_1_1
        return b"".join(rpc_error(each, known, layer=answer.layer, base_1_1=modern) for each in told)

    async def _send(self, answer: _Answer, content: bytes) -> None:
        await self._send_pieces(self._session.reply(answer.envelope, content))
        self._told(answer)

    async def _notify(self, subscription: Subscription) -> None:
        """Send notifications, each behind the answers to what was asked before it came."""
        try:
            async with aclosing(subscription.documents()) as documents:
                async for written in documents:
                    await self._answers_to(self._asked)
                    if self._lost:
                        return
                    if document := written():
                        await self._send_pieces(self._session.message(document))
                        self._record.counts.out_notifications += 1
        finally:
            subscription.close()

    async def _answers_to(self, asked: int) -> None:
        """Wait until the first so many requests are answered."""
        while self._answered < asked:
            self._progress.clear()
            await self._progress.wait()

    async def _send_pieces(self, pieces: list[bytes]) -> None:
        async with self._sending:
            for piece in pieces:
                await self._writable.wait()
                self._write(piece)

    def _write(self, piece: bytes) -> None:
        if not self._lost:
            self._wire.write(piece)

    def _told(self, answer: _Answer) -> None:
        self._answered += 1
        self._progress.set()
        self._record.counts.out_rpc_errors += answer.outcome != "ok"
        spent = (time.perf_counter() - answer.started) * 1000
        quiet = answer.outcome == "ok" and answer.operation in READING
        note = self._log.debug if quiet else self._log.info
        note("rpc", operation=answer.operation, outcome=answer.outcome, ms=round(spent, 3))

    def _give_up(self) -> None:
        """Close on a client that takes nothing."""
        self._log.warning("session-stalled", stall_timeout=self._limits.stall_timeout)
        self._status, self._ending = 1, Ending.TIMEOUT
        self.connection_lost()
        self._wire.abort()

    def _drop_message(self) -> None:
        """Close on a client whose message does not come to its end."""
        self._log.warning("session-broken", reason=f"no whole message within {self._limits.message_timeout:g} s")
        self._status, self._ending = 1, Ending.TIMEOUT
        self.stop()

    def _expect_hello(self) -> None:
        if not self._opened or self.refusal:
            self._log.warning("session-broken", reason=f"no hello within {self._limits.hello_timeout:g} s")
            self._status = 1
            self._ending = Ending.TIMEOUT
            self.stop()
        elif self._limits.idle_timeout:
            self._watch_idleness()

    def _watch_idleness(self) -> None:
        loop = asyncio.get_running_loop()
        left = self._heard + self._limits.idle_timeout - loop.time()
        if self._answers or self._busy or self.subscribed:
            left = self._limits.idle_timeout
        if left > 0:
            self._watch = loop.call_later(left, self._watch_idleness)
        else:
            self._log.info("session-idle", idle_timeout=self._limits.idle_timeout)
            self._ending = Ending.TIMEOUT
            self.stop()
