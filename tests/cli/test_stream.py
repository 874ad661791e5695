"""``longshort stream``: lines in, answers out, and a state that outlives the process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from longshort import (
    AnomalyDetector,
    Columns,
    Forecaster,
    LanguageModel,
    Recurrent,
    SeriesModel,
    Session,
    Tagger,
    Training,
    Window,
)  # fmt: skip
from longshort.cli.app import main
from longshort.cli.stream import Writer
from longshort.data.readings.wide import Wide


def hourly(rows: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(2)
    hour = np.arange(rows)
    times = np.datetime64("2024-01-01T00:00", "us") + hour * np.timedelta64(1, "h")
    parts = []
    for at, name in enumerate(("a", "b")):
        load = 10 * (at + 1) + 3 * np.sin(hour * 2 * np.pi / 24 + at) + rng.normal(0, 0.2, rows)
        parts.append(pl.DataFrame({"time": times, "pump": name, "load": load}))
    return pl.concat(parts).sort("time", "pump")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "model.lstm"
    columns = Columns("time", group="pump", target="load")
    settings: dict[str, Any] = {"window": Window(context=12), "recurrent": Recurrent(4)}
    training = Training(epochs=1, members=1)
    Forecaster(columns, 2, training=training, **settings).fit(hourly(200)).save(path)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["stream", *map(str, arguments)])
    told = capsys.readouterr()
    return int(end.value.code or 0), told.out, " ".join(told.err.split())


def wanted(model: Path, rows: pl.DataFrame) -> list[dict[str, Any]]:
    session = Session(model, 2)
    found = []
    for row in rows.to_dicts():
        record = session.record(session.push(row))
        if record:
            found.append({"pump": row["pump"]} | record)
    return found


def bare(text: str) -> list[dict[str, Any]]:
    return [{n: v for n, v in json.loads(line).items() if n != "time"} for line in text.split("\n")
            if line]  # fmt: skip


def test_a_file_is_answered_line_by_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = hourly()
    rows.write_csv(tmp_path / "rows.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
    rows.write_ndjson(tmp_path / "rows.jsonl")
    code, out, err = run(capsys, model, tmp_path / "rows.csv")
    assert code == 0
    assert "120 rows, 98 answers, 0 lines left out" in err
    found = bare(out)
    assert found == wanted(model, rows)
    assert json.loads(out.split("\n")[0])["time"] == "2024-01-01T11:00:00"
    assert bare(run(capsys, model, tmp_path / "rows.jsonl")[1]) == found
    _, out, _ = run(capsys, model, tmp_path / "rows.csv", "--write", "csv")
    table = pl.read_csv(out.encode())
    assert table.columns == ["pump", "time", "ahead", "load", "load_q10", "load_q90"]
    assert table["load"].to_list() == [value for each in found for value in each["load"]]


def test_bad_lines_are_told_and_left_out(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = hourly().write_csv(datetime_format="%Y-%m-%dT%H:%M:%S").splitlines()
    bad = {
        5: "2024-01-01T00:00:00,a",
        9: "soon,a,1",
        11: good[3],
        20: "2024-01-01T09:00:00,a,warm",
        30: "2024-01-01T14:00:00,,1",
        40: "2024-01-01T19:00:00,a\r,1",
    }
    lines = list(good)
    for number, text in bad.items():
        lines.insert(number - 1, text)
    path = tmp_path / "rows.csv"
    path.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe,a,1\n")
    code, out, err = run(capsys, model, path)
    assert code == 0
    assert bare(out) == wanted(model, hourly())
    assert "120 rows, 98 answers, 7 lines left out" in err
    for told in (
        "rows.csv, line 5: it has 2 cells, and the header 3",
        "rows.csv, line 9: column 'time': 'soon' is not a date or time",
        "line 11: series a: 2024-01-01T01:00:00 is not after the row before",
        "line 20: column 'load' is 'warm', and must be a number",
        "line 30: column 'pump': the name of the series is missing",
        "line 40: it is no CSV (new-line character",
        "line 128: it is no UTF-8 text",
    ):
        assert told in err
    # an empty line may stand before the header
    for before, number in (("", 1), ("\n", 2)):
        path.write_text(f"{before}when,pump,load\n2024-01-01,a,1\n")
        code, _, err = run(capsys, model, path)
        assert code == 3
        assert f"line {number}: the header has no column 'time', which the model reads" in err
    huge = json.dumps({"time": "2024-01-01", "pump": "a", "load": 10**400})
    path.write_text(f'\ufeff{{"x": 1}}\n[1]\nnull\n{huge}\n')
    code, _, err = run(capsys, model, path)
    assert code == 3
    assert "line 2: it is JSON, and no object" in err
    assert "and must be a number" in err


def test_csv_writes_true_and_false_as_predict_does() -> None:
    told = Writer("csv").text({"score": 1.5, "alarm": True, "fault": ""})
    assert told == "score,alarm,fault\n1.5,true,\n"


def test_the_state_goes_on_after_the_last_line(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = hourly().write_csv(datetime_format="%Y-%m-%dT%H:%M:%S").splitlines(keepends=True)
    path, state = tmp_path / "rows.csv", tmp_path / "pumps.state"
    out = ""
    for stop in (20, 50, 121):
        path.write_text("".join(lines[:stop]))
        code, told, _ = run(capsys, model, path, "--state", state)
        assert code == 0
        out += told
    assert bare(out) == wanted(model, hourly())
    # other lines of standard input go on from the same state; a damaged one is refused
    state.write_bytes(state.read_bytes()[:-1] + b"x")
    code, _, err = run(capsys, model, path, "--state", state)
    assert code == 4
    assert "pumps.state: damaged or altered" in err
    code, _, err = run(capsys, model, path, "--state", tmp_path / "no" / "where")
    assert code == 5
    assert "cannot write" in err


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(started: list[subprocess.Popen[str]], *arguments: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "longshort", "stream", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    started.append(process)
    return process


@pytest.mark.slow
def test_a_growing_file_is_followed_through_sigterm(
    model: Path, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    lines = hourly().write_csv(datetime_format="%Y-%m-%dT%H:%M:%S").splitlines(keepends=True)
    path, state = tmp_path / "rows.csv", tmp_path / "pumps.state"
    expected, found, at = wanted(model, hourly()), "", 0
    path.write_text("")
    for stop, answers in ((41, 18), (80, 57), (121, 98)):
        process = start(started, model, path, "--follow", "--state", state)
        with path.open("a") as file:
            for line in lines[at:stop]:
                # half a line is no line yet
                file.write(line[:7])
                file.flush()
                file.write(line[7:])
                file.flush()
        at = stop
        assert process.stdout is not None
        while found.count("\n") < answers:
            found += process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, err = process.communicate(timeout=30)
        assert (process.returncode, rest) == (0, "")
        assert "answers" in err
    assert bare(found) == expected


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[int]:
    """A Mosquitto broker of its own, where Debian's package is installed or unpacked."""
    place = os.environ.get("MOSQUITTO") or shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(place).exists():
        pytest.skip("there is no Mosquitto: install Debian's package, or name it in MOSQUITTO")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "broker.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([place, "-c", str(settings)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
def test_rows_come_from_a_broker_and_answers_go_back(
    model: Path, tmp_path: Path, started: list[subprocess.Popen[str]], mosquitto: int
) -> None:
    client = pytest.importorskip("paho.mqtt.client")
    from paho.mqtt.enums import CallbackAPIVersion

    port = mosquitto
    heard: list[dict[str, Any]] = []
    listener = client.Client(CallbackAPIVersion.VERSION2)
    listener.on_message = lambda *told: heard.append(json.loads(told[2].payload))
    listener.connect("127.0.0.1", port)
    listener.subscribe("alarms", qos=1)
    listener.loop_start()
    rows = hourly()
    common = ("--mqtt", f"127.0.0.1:{port}", "--subscribe", "pumps/+", "--publish", "alarms")
    state = ("--state", tmp_path / "state", "--client", "longshort")
    sent = 0
    for stop in (60, 120):
        process = start(started, model, *common, *state)
        assert process.stderr is not None
        assert "listening to pumps/+" in process.stderr.readline()
        for row in rows[sent:stop].with_columns(pl.col("time").dt.to_string()).to_dicts():
            listener.publish(f"pumps/{row['pump']}", json.dumps(row), qos=1).wait_for_publish()
        listener.publish("pumps/a", b"{no json", qos=1).wait_for_publish()
        sent = stop
        for _ in range(300):
            if len(heard) >= len(wanted(model, rows[:stop])):
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "message of pumps/a: it is no JSON" in err
    listener.loop_stop()
    found = [{n: v for n, v in record.items() if n != "time"} for record in heard]
    assert found == wanted(model, rows)


def test_models_of_every_kind_are_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training, size = Training(epochs=1, members=1, batch=4), Recurrent(4, dropout=0.0)
    rows = hourly(80).with_columns(pl.col("load").round(3))
    rows.write_csv(tmp_path / "rows.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
    model = tmp_path / "model.lstm"
    # a series model that knows no groups, of which each pump has a session
    series = SeriesModel(recurrent=size, training=training)
    series.fit(rows["load"].to_numpy().reshape(8, 20, 1)).save(model)
    text = rows.rename({"load": "x0"}).write_csv(datetime_format="%Y-%m-%dT%H:%M:%S")
    (tmp_path / "named.csv").write_text(text)
    code, out, _ = run(capsys, model, tmp_path / "named.csv", "--group", "pump")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [found[0]["pump"], found[1]["pump"]] == ["a", "b"]
    assert [record["x0_surprise"] is None for record in found[:4]] == [True, True, False, False]
    state = ("--group", "pump", "--state", tmp_path / "state")
    halves = [text.splitlines(keepends=True)[:81], text.splitlines(keepends=True)]
    parts = ""
    for lines in halves:
        (tmp_path / "part.csv").write_text("".join(lines))
        parts += run(capsys, model, tmp_path / "part.csv", *state)[1]
    assert [json.loads(line) for line in parts.splitlines()] == found
    # alarms alone
    detector = AnomalyDetector(
        Columns("time", group="pump", target="load"), recurrent=size, training=training
    )
    detector.fit(rows).save(model)
    code, out, err = run(capsys, model, tmp_path / "rows.csv", "--alarms")
    assert code == 0
    assert all(json.loads(line)["alarm"] for line in out.splitlines())
    assert "160 rows" in err
    # texts, line by line
    words = tmp_path / "text.txt"
    words.write_text("to be, or not to be, that is the question.\n" * 40)
    LanguageModel(recurrent=Recurrent(8), training=training).fit(words).save(model)
    words.write_text("to be\nor not\n")
    code, out, _ = run(capsys, model, words)
    assert [json.loads(line)["symbols"] for line in out.splitlines()] == [6, 7]
    code, _, err = run(capsys, model, words, "--alarms")
    assert code == 2
    assert "this model tells none" in err
    # an empty line ends a sentence
    sentences = [["so", "loud"], ["quiet", "and", "dry"]] * 8
    tags = [["B-X" if word == "loud" else "O" for word in own] for own in sentences]
    tagger = Tagger(wide=Wide(0), recurrent=size, training=training)
    tagger.fit(sentences, tags).save(model)
    words.write_text("so\nloud\n\nso\nloud\n")
    _, out, _ = run(capsys, model, words)
    first, second, *again = out.splitlines()
    assert again == [first, second]
    for wrong, told in (
        (("--write", "xml"), "--write xml"),
        (("--late", "never"), "late='never'"),
        (("--mqtt", "localhost:1"), "name one"),
    ):
        code, _, err = run(capsys, model, words, *wrong)
        assert code == 2
        assert told in err
