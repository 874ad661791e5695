"""A broker's client by itself: what needs no broker to be told."""

from __future__ import annotations

import queue
import threading
from types import SimpleNamespace

import pytest

from longshort.cli import mqtt
from longshort.cli.mqtt import Broker
from longshort.errors import ArgumentError

pytest.importorskip("paho.mqtt.client")


@pytest.mark.parametrize("address", ["", ":1883", "there:soon", "there:0", "there:65536"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ArgumentError, match="write host:port"):
        Broker(address, "#")


def test_messages_that_nobody_reads_hold_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network's thread waits where too many messages do, and is let go at the end."""

    broker = Broker.__new__(Broker)
    monkeypatch.setattr(mqtt, "_PAUSE", 0.01)
    broker._messages, broker._over = queue.Queue(1), threading.Event()
    message = SimpleNamespace(topic="pumps/a", payload=b"{}", mid=1, qos=1)

    def arrive() -> None:
        for _ in range(3):
            broker._arrived(None, None, message)

    network = threading.Thread(target=arrive, daemon=True)
    broker._client = SimpleNamespace(disconnect=lambda: None, loop_stop=lambda: network.join(30))
    broker._last = None
    network.start()
    network.join(0.1)
    assert network.is_alive()
    broker.close()
    assert not network.is_alive()
    assert broker._messages.qsize() == 1
