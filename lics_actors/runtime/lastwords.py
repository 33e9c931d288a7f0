"""What an actor said last, in a file that its death cannot take away: its log lines, and the stacks when it crashes or is hung.

The actor writes; its supervisor reads when the process is gone. What was written is in the kernel's hands at once, so SIGKILL
loses nothing. The file is bounded, and begun anew by each incarnation.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lics_actors.logs import clean, facts

MAX_BYTES = 32 * 1024  # then the older half goes
MAX_LINE, MAX_TRACEBACK = 400, 4000  # characters
FATAL = (signal.SIGSEGV, signal.SIGFPE, signal.SIGBUS, signal.SIGILL, signal.SIGABRT)
DUMP_SIGNAL = signal.SIGUSR2  # "write down where you are"; Thespian uses SIGUSR1


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the log."""

    at: float  # seconds since the epoch
    level: str
    text: str
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class LastWords:
    """What was read. `stacks`: of all threads, as the interpreter wrote them when it was killed or asked."""

    said: tuple[Said, ...] = ()
    stacks: str | None = None


class LastWordsHandler(logging.Handler):
    """Writes every record of its process to the file. What the disk does not take is lost: the ordinary log has it too."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._written = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            line = msgspec.json.encode(_said(record)) + b"\n"
            if self._written + len(line) > MAX_BYTES:
                self._forget_the_older_half()
            self._written += os.write(self.descriptor, line)
        except OSError:
            pass
        except Exception:  # noqa: BLE001 - as every handler: a line that cannot be said must not end who says it
            self.handleError(record)

    def _forget_the_older_half(self) -> None:
        kept = os.pread(self.descriptor, MAX_BYTES, max(0, os.fstat(self.descriptor).st_size - MAX_BYTES // 2))
        os.ftruncate(self.descriptor, 0)
        self._written = os.write(self.descriptor, kept.partition(b"\n")[2])


def _said(record: logging.LogRecord) -> Said:
    what = " ".join(f"{name}={value}" for name, value in facts(record).items())
    text = clean(f"{record.name}: {record.getMessage()} {what}".rstrip())
    thrown = clean(logging.Formatter().formatException(record.exc_info))[-MAX_TRACEBACK:] if record.exc_info else None
    return Said(record.created, record.levelname, text[:MAX_LINE], thrown)


def take_down(path: Path) -> None:
    """From now on write what this process says into `path`; and the stacks of all threads when it dies of a signal of its own
    making, or receives `DUMP_SIGNAL`. Main thread only. An unwritable file is logged, and the actor does without.

    Thespian catches every signal in Python, SIGSEGV too: a process that crashed would spin for ever. So those kill again.
    """
    root = logging.getLogger()
    for inherited in [handler for handler in root.handlers if isinstance(handler, LastWordsHandler)]:
        root.removeHandler(inherited)  # of the parent's: we were forked
        os.close(inherited.descriptor)
    faulthandler.disable()  # of the parent's as well: it takes itself for installed, though Thespian has put its handlers over it
    faulthandler.unregister(DUMP_SIGNAL)
    for number in FATAL:
        signal.signal(number, signal.SIG_DFL)
    try:
        handler = LastWordsHandler(path)
    except OSError as error:
        logging.getLogger(__name__).error("last words not kept", extra={"path": str(path), "reason": str(error)})
        return
    root.addHandler(handler)
    faulthandler.enable(handler.descriptor)
    faulthandler.register(DUMP_SIGNAL, handler.descriptor)


def read_last_words(path: Path, at_most: int = 20) -> LastWords:
    """Return what the process that wrote `path` said last."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return LastWords()
    said: list[Said] = []
    stacks: list[str] = []
    for line in text.splitlines():
        try:
            said.append(msgspec.json.decode(line, type=Said))
        except msgspec.DecodeError:
            stacks.append(line)
    return LastWords(tuple(said[-at_most:]), "\n".join(stacks)[:MAX_TRACEBACK] or None)
