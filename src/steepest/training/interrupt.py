"""Ctrl-C while native code runs.

Python notes the key at once, but acts on it between two instructions of its own, and a whole epoch
is one of them. So the note wakes a thread that asks the program to stop, which it does within a
step; then Python acts.
"""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["heard"]


@contextmanager
def heard(act: Callable[[], None]) -> Iterator[None]:
    """While it lasts, Ctrl-C at once calls `act`, from another thread.

    Only the main thread hears signals. Where Ctrl-C raises no KeyboardInterrupt, or another listens
    already, such as the event loop of a notebook, nothing changes.
    """
    if not _is_free():
        yield
        return
    ear, wire = socket.socketpair()
    listener = threading.Thread(target=_listen, args=(ear, act), daemon=True)
    with ear, wire:
        wire.setblocking(False)
        signal.set_wakeup_fd(wire.fileno(), warn_on_full_buffer=False)
        listener.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            wire.close()  # the end of what the listener hears
            listener.join()


def _is_free() -> bool:
    """Whether this thread hears signals, does with Ctrl-C what Python does, and does it alone."""
    if threading.current_thread() is not threading.main_thread():
        return False
    listening = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(listening)
    return listening == -1 and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _listen(ear: socket.socket, act: Callable[[], None]) -> None:
    while numbers := ear.recv(64):
        if signal.SIGINT in numbers:
            act()
