"""Messages between a process and its child: calls of operations, and their results.

MessagePack with types checked on both sides, and never pickle: a child that reads untrusted bytes
may have been taken over, and what it says must not run in its parent.
"""

from __future__ import annotations

import inspect
import queue
import threading
import traceback
import typing
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

LARGEST = 2**30  # bytes of a message

Value = TypeVar("Value")
Operation = Callable[..., object]

OUT_OF_MEMORY = "MemoryError"


class Call(msgspec.Struct, frozen=True, tag=True):
    """Asks for an operation of the child's."""

    operation: str
    arguments: msgspec.Raw  # a list


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """The call that runs is no longer wanted; its end is still answered."""


class Part(msgspec.Struct, frozen=True, tag=True):
    """Something that a call hands out before its end."""

    value: msgspec.Raw


class Result(msgspec.Struct, frozen=True, tag=True):
    value: msgspec.Raw


class Failure(msgspec.Struct, frozen=True, tag=True):
    """The call raised `error`; the child goes on."""

    error: str  # the name of its class
    message: str
    trace: str = ""  # for the log, of what was not expected


Answer = Part | Result | Failure


def pack(value: object) -> bytes:
    return _encoder.encode(value)


def unpack(packed: bytes | msgspec.Raw, kind: type[Value]) -> Value:
    """Raises msgspec.ValidationError if it is anything else."""
    return msgspec.msgpack.decode(packed, type=kind, dec_hook=_revived)


class Server:
    """The child's end: carries out one call after the other, until the parent closes its end."""

    def __init__(
        self,
        connection: Connection,
        operations: Mapping[str, Operation],
        *,
        expected: tuple[type[Exception], ...],
        cancel: Callable[[], None] = lambda: None,
        abandoned: Callable[[], None],
    ) -> None:
        """Of errors that are `expected` the message is all that the parent has to know.

        `cancel` is called, in another thread, when the call that runs is no longer wanted, and
        `abandoned` when the parent is gone. An operation with a parameter `emit` gets a function
        that hands a part to the caller.
        """
        self._connection = connection
        self._operations = operations
        self._expected = expected
        self._cancel = cancel
        self._abandoned = abandoned
        self._calls: queue.SimpleQueue[Call] = queue.SimpleQueue()

    def serve(self) -> None:
        threading.Thread(target=self._listen, name="listener", daemon=True).start()
        while True:
            call = self._calls.get()
            self._connection.send_bytes(pack(self._answer(call)))

    def _listen(self) -> None:
        """While a call runs, too: the end of the parent has to end the child."""
        try:
            while True:
                message = unpack(self._connection.recv_bytes(LARGEST), Call | Cancel)  # type: ignore[arg-type]
                if isinstance(message, Cancel):
                    self._cancel()
                else:
                    self._calls.put(message)
        except (EOFError, OSError):
            self._abandoned()

    def _answer(self, call: Call) -> Result | Failure:
        try:
            operation = self._operations[call.operation]
            named = _arguments(operation, call.arguments)
            if "emit" in inspect.signature(operation).parameters:
                named["emit"] = self._emit
            return Result(msgspec.Raw(pack(operation(**named))))
        except self._expected as error:
            return Failure(type(error).__name__, str(error))
        except MemoryError as error:
            return Failure(OUT_OF_MEMORY, str(error))
        except Exception as error:  # noqa: BLE001  (the parent logs it)
            return Failure(type(error).__name__, str(error), traceback.format_exc())

    def _emit(self, part: object) -> None:
        self._connection.send_bytes(pack(Part(msgspec.Raw(pack(part)))))


def operations_of(served: object) -> dict[str, Operation]:
    """The methods that may be called by their names."""
    names = (name for name in vars(type(served)) if not name.startswith("_"))
    return {name: getattr(served, name) for name in names if callable(getattr(served, name))}


def _arguments(operation: Operation, packed: msgspec.Raw) -> dict[str, Any]:
    hints = typing.get_type_hints(operation)
    names = [name for name in inspect.signature(operation).parameters if name != "emit"]
    packed_each = unpack(packed, tuple[msgspec.Raw, ...])
    return {name: unpack(each, hints[name]) for name, each in zip(names, packed_each, strict=True)}


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        if value.dtype != np.uint8:
            msg = f"images are uint8, not {value.dtype}"
            raise TypeError(msg)
        return value.shape, np.ascontiguousarray(value).data
    if isinstance(value, Path):
        return str(value.absolute())  # the child has a working folder of its own
    msg = f"{type(value)} can't be sent"
    raise NotImplementedError(msg)


def _revived(kind: type, value: Any) -> object:
    if kind is Path:
        return Path(value)
    if typing.get_origin(kind) is np.ndarray:
        shape, pixels = value
        return np.frombuffer(pixels, np.uint8).reshape(shape)
    msg = f"{kind} can't be received"
    raise NotImplementedError(msg)


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
