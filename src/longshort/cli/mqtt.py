"""Rows from an MQTT broker, and answers to it; the one place that knows the package paho-mqtt."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from longshort.cli.feed import Stopping
from longshort.errors import ArgumentError, DataError, MissingDependencyError

# how long the broker is waited for before signals are looked at again, in seconds
_PAUSE = 0.1
# and before it is given up
_PATIENCE = 10.0
# messages that wait to be read
_MOST = 100_000


class Message(NamedTuple):
    """What came of a topic, and what tells the broker that it was read."""

    topic: str
    text: bytes
    number: int
    quality: int


class Broker:
    """A broker, connected, and connected again when it was gone.

    Args:
        address: host:port; 1883 where no port is told.
        topic: what is subscribed to, with wildcards.
        name: by which the broker knows this client and keeps messages for it while it is away; ""
            for none.

    Raises:
        ArgumentError: the address is none.
        MissingDependencyError: paho-mqtt is not installed.
        DataError: nobody answers there.
    """

    def __init__(self, address: str, topic: str, name: str = "") -> None:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise MissingDependencyError(
                "MQTT needs the package paho-mqtt: pip install 'longshort[mqtt]'"
            ) from None
        host, _, port = address.partition(":")
        if not host or not _is_port(port or "1883"):
            raise ArgumentError(f"--mqtt {address}: write host:port, such as localhost:1883")
        self._topic, self._messages = topic, queue.Queue[Message](_MOST)
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=not name, manual_ack=True
        )
        self._client.on_connect = self._connected
        self._client.on_message = self._arrived
        self._listening, self._over = threading.Event(), threading.Event()
        self._client.on_subscribe = lambda *told: self._listening.set()
        self._last: Any = None
        try:
            self._client.connect(host, int(port or 1883))
        except OSError as error:
            raise DataError(f"--mqtt {address}: nobody answers there ({error})") from error
        self._client.loop_start()
        if not self._listening.wait(_PATIENCE):
            self._client.loop_stop()
            raise DataError(f"--mqtt {address}: the broker lets nobody subscribe to {topic!r}")

    def _connected(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        del data, flags, more
        if not reason.is_failure:
            client.subscribe(self._topic, qos=1)

    def _arrived(self, client: Any, data: Any, message: Any) -> None:
        del client, data
        told = Message(message.topic, bytes(message.payload), message.mid, message.qos)
        # where too many wait, the network does, until they are read or nobody will
        while not self._over.is_set():
            with suppress(queue.Full):
                self._messages.put(told, timeout=_PAUSE)
                return

    def messages(self, stopping: Stopping) -> Iterator[Message]:
        """Messages as they come, until a signal; the broker is told of each that was read."""
        while not stopping.asked:
            try:
                message = self._messages.get(timeout=_PAUSE)
            except queue.Empty:
                continue
            yield message
            self._client.ack(message.number, message.quality)

    def publish(self, topic: str, text: str) -> None:
        """Tell the broker, which gets it once at least."""
        self._last = self._client.publish(topic, text, qos=1)

    def close(self) -> None:
        """Hand on what is still to be published, and go."""
        self._over.set()
        if self._last is not None:
            with suppress(RuntimeError, ValueError):
                self._last.wait_for_publish(_PATIENCE)
        self._client.disconnect()
        self._client.loop_stop()


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 1 << 16
