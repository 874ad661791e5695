"""``longshort stream``: rows as they come, and an answer to each; its state can be kept."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import typer

from longshort import artifact
from longshort.cli.feed import Line, Stopping, lines
from longshort.cli.mqtt import Broker
from longshort.cli.terminal import notes, plain
from longshort.data.arrival import Arrival, Late, Missing
from longshort.errors import ArgumentError, DataError, LongshortError, ModelFileError, suggest
from longshort.stream import Session
from longshort.tasks.classify import Classifier
from longshort.tasks.tag import Tagger

Written = Literal["jsonl", "csv"]
# bad lines that are told one by one
_TOLD = 100


class Reader:
    """Lines as rows: of CSV with a header, or JSONL; the first line tells which.

    Args:
        columns: that the model reads.
        header: the names of CSV, where they are known already.
    """

    def __init__(self, columns: tuple[str, ...], header: list[str] | None = None) -> None:
        self.columns, self.header = columns, header
        self.kind = None if header is None else "csv"

    def row(self, line: bytes) -> Mapping[str, Any] | None:
        """A row; None for the header and for empty lines.

        Raises:
            DataError: the line is no row.
        """
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"it is no UTF-8 text ({error.reason})") from None
        if not text.strip():
            return None
        if self.kind is None:
            self.kind = "jsonl" if text.lstrip().startswith("{") else "csv"
        if self.kind == "jsonl":
            return _object(text)
        try:
            cells = next(csv.reader([text]))
        except csv.Error as error:
            raise DataError(f"it is no CSV ({error})") from None
        if self.header is None:
            self.header = [cell.strip() for cell in cells]
            absent = [name for name in self.columns if name not in self.header]
            if absent:
                known = suggest(absent[0], self.header)
                raise DataError(
                    f"the header has no column {absent[0]!r}, which the model reads: {known}"
                )
            return None
        if len(cells) != len(self.header):
            raise DataError(f"it has {len(cells)} cells, and the header {len(self.header)}")
        return dict(zip(self.header, cells, strict=True))


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = artifact.parse(text)
    except ValueError as error:
        raise DataError(f"it is no JSON ({error})") from None
    if not isinstance(found, dict):
        raise DataError('it is JSON, and no object; write {"column": value, ..}')
    return found


class Writer:
    """Answers as lines of JSONL or CSV, each handed on at once."""

    def __init__(self, kind: Written) -> None:
        self._kind = kind
        self._names: list[str] | None = None

    def text(self, record: Mapping[str, Any]) -> str:
        """The lines of an answer; in CSV one for each step of those that have several."""
        if self._kind == "jsonl":
            return json.dumps(record, ensure_ascii=False) + "\n"
        several = [len(value) for value in record.values() if isinstance(value, list)]
        held = io.StringIO()
        table = csv.writer(held, lineterminator="\n")
        if self._names is None:
            self._names = list(record)
            table.writerow(self._names)
        for at in range(max(several, default=1)):
            cells = (record.get(name) for name in self._names)
            table.writerow([_cell(cell[at] if isinstance(cell, list) else cell) for cell in cells])
        return held.getvalue()


def _cell(value: Any) -> Any:
    """A value as the tables of ``longshort predict`` have it: true and false in small letters."""
    return str(value).lower() if isinstance(value, bool) else value


def _known(value: Any) -> Any:
    """A value as JSON has it: what is no number is null."""
    if isinstance(value, list):
        return [_known(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Run:
    """One run of the command: what it reads with, writes to, and has counted."""

    def __init__(
        self, session: Session, group: str | None, state: Path | None, *, alarms: bool = False
    ) -> None:
        self.session, self.group, self.state, self.alarms = session, group, state, alarms
        self.rows = self.answers = self.bad = 0
        self._kept = time.monotonic()

    def answer(self, row: Any) -> dict[str, Any] | None:
        """Push a row: its answer with the columns that say whose and when it is; None without.

        Raises:
            LongshortError: the row cannot be read.
        """
        session, layout = self.session, self.session.layout
        own = {}
        number = None
        if layout is None:
            number = 0
            if not row.strip() and isinstance(session.model, Classifier | Tagger):
                # an empty line ends a text or a sentence
                session.reset()
                return None
        else:
            named = layout.group or (() if self.group is None else (self.group,))
            own = {name: row[name] for name in named if name in row}
            if not layout.group and self.group is not None:
                if row.get(self.group) in (None, ""):
                    raise DataError(f"column {self.group!r}: the name of the series is missing")
                number = session.find((str(row[self.group]),))
            if layout.time_column is not None and layout.time_column in row:
                own[layout.time_column] = row[layout.time_column]
        told = session.push(row, number)
        self.rows += 1
        if told is None:
            return None
        record = session.record(told)
        if not record:
            return None
        if self.alarms:
            if "alarm" not in record:
                raise ArgumentError("--alarms: this model tells none; leave it out")
            if not record["alarm"]:
                return None
        self.answers += 1
        return own | {name: _known(value) for name, value in record.items()}

    def refused(self, where: str, error: LongshortError) -> None:
        """A line that is left out: told on standard error."""
        self.bad += 1
        if self.bad <= _TOLD:
            notes.print(f"[bold yellow]{plain(where)}:[/] {plain(str(error))}")
        if self.bad == _TOLD:
            notes.print("further lines that cannot be read are counted alone")

    def keep(self, every: float = 0.0) -> None:
        """Write the state, if so many seconds have gone since."""
        now = time.monotonic()
        if self.state is not None and now - self._kept >= every:
            artifact.write_bytes(self.state, self.session.snapshot())
            self._kept = now


def stream(
    model: Annotated[Path, typer.Argument(help="A model.lstm file.")],
    source: Annotated[
        Path | None, typer.Argument(help="A CSV or JSONL file.", show_default="standard input")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for more at the end of the file.")
    ] = False,
    group: Annotated[
        str | None,
        typer.Option(help="Column that tells series apart.", show_default="the model's"),
    ] = None,
    sessions: Annotated[
        int, typer.Option(help="Most series at once; then the one idle for longest gives way.")
    ] = 1000,
    late: Annotated[str, typer.Option(help="Late or repeated rows: refuse or ignore.")] = "refuse",
    missing: Annotated[
        str, typer.Option(help="Rows that did not come: fill, refuse or reset.")
    ] = "fill",
    longest: Annotated[
        int, typer.Option(help="Where more rows than that are missing, a series begins anew.")
    ] = 100,
    state: Annotated[
        Path | None, typer.Option(help="File to keep the state in, and to go on from.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds from one writing of it to the next.")] = 60,
    alarms: Annotated[
        bool, typer.Option("--alarms", help="Of a detector: write the rows that are alarms alone.")
    ] = False,
    write: Annotated[str, typer.Option(help="Answers as jsonl or csv.")] = "jsonl",
    mqtt: Annotated[
        str | None, typer.Option(help="Read from a broker, host:port, instead.")
    ] = None,
    subscribe: Annotated[str, typer.Option(help="Topic of rows, with wildcards.")] = "#",
    publish: Annotated[
        str | None, typer.Option(help="Topic of answers.", show_default="standard output")
    ] = None,
    client: Annotated[
        str, typer.Option(help="Name for the broker, which then keeps rows while away.")
    ] = "",
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
) -> None:
    """Answer each row as it comes: forecasts, surprise, tags or alarms.

    tail -f pumps.csv | longshort stream pumps/model.lstm

    longshort stream pumps/model.lstm pumps.csv --follow --state pumps.state > alarms.jsonl

    longshort stream pumps/model.lstm --mqtt localhost:1883 --subscribe "pumps/+" --publish alarms

    Rows are CSV with a header, or JSON objects, a line each; every series has a session of its own.
    A line that cannot be read is told on standard error with its number, and left out. With --state
    the state is kept every minute, at the end and on SIGTERM, and the same command goes on from
    there, in a file after the last line that was read.
    """
    if write not in get_args(Written):
        raise ArgumentError(f"--write {write}: {suggest(write, get_args(Written))}")
    if follow and source is None:
        raise ArgumentError("--follow: name the file to follow; standard input ends by itself")
    if mqtt is not None and source is not None:
        raise ArgumentError(f"--mqtt {mqtt}: rows come from there, or from {source}; name one")
    arrival = Arrival(cast(Late, late), cast(Missing, missing), longest)
    run = Run(_opened(model, sessions, arrival, state, device, group), group, state, alarms=alarms)
    writer = Writer(cast(Written, write))
    # a state that cannot be written is told before anything is read
    run.keep()
    with Stopping() as stopping:
        try:
            if mqtt is not None:
                broker = Broker(mqtt, subscribe, client)
                notes.print(f"listening to {plain(subscribe)} of {plain(mqtt)}")
                try:
                    _listen(run, broker, stopping, writer, publish, every)
                finally:
                    broker.close()
            else:
                _read(run, source, stopping, writer, every, follow=follow)
        finally:
            run.keep()
    left = f"{run.bad:,} line{'' if run.bad == 1 else 's'} left out"
    notes.print(f"{run.rows:,} rows, {run.answers:,} answers, {left}")
    if run.bad and not run.rows:
        raise DataError("no line could be read; the first ones are told above")


def _opened(
    model: Path,
    sessions: int,
    arrival: Arrival,
    state: Path | None,
    device: str,
    group: str | None,
) -> Session:
    if state is not None and state.exists():
        try:
            data = state.read_bytes()
        except OSError as error:
            raise ModelFileError(f"{state}: cannot be read: {error.strerror or error}") from error
        session = Session.restore(model, data, device=device, where=str(state))
        session.arrival = arrival
        return session
    session = Session(model, 1, arrival=arrival, device=device)
    if session.layout is None or not (group or session.layout.group):
        # nothing tells series apart
        return session
    return Session(session.model, sessions, arrival=arrival)


def _read(
    run: Run,
    source: Path | None,
    stopping: Stopping,
    writer: Writer,
    every: float,
    *,
    follow: bool,
) -> None:
    """Answer the lines of a file or of standard input."""
    layout, memo = run.session.layout, run.session.memo
    name = "standard input" if source is None else str(source)
    begin = number = 0
    reader = Reader(() if layout is None else layout.needed)
    if source is not None and memo.get("source") == str(source.resolve()):
        begin, number = memo["byte"], memo["line"]
        reader.header, reader.kind = memo["header"], memo["kind"]
    for line in lines(source, stopping, follow=follow, begin=begin, number=number):
        if line.number == 1:
            reader = Reader(reader.columns)
        _one(run, reader, line, f"{name}, line {line.number}", writer)
        if source is not None:
            memo.update(
                source=str(source.resolve()), byte=line.after, line=line.number,
                header=reader.header, kind=reader.kind,
            )  # fmt: skip
        run.keep(every)


def _one(run: Run, reader: Reader, line: Line, where: str, writer: Writer) -> None:
    begun = reader.header is not None
    try:
        if run.session.layout is None:
            # a piece ends where its line does
            row: Any = line.text.decode(errors="replace") + "\n"
        else:
            row = reader.row(line.text)
        record = None if row is None else run.answer(row)
    except LongshortError as error:
        # a header that cannot be used, and an option that no row can have, end it all
        header = reader.header is not None and not begun
        if header or (run.alarms and isinstance(error, ArgumentError)):
            raise type(error)(f"{where}: {error}") from None
        run.refused(where, error)
        return
    if record is not None:
        sys.stdout.write(writer.text(record))
        sys.stdout.flush()


def _rows(text: bytes, topic: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a message: a JSON object, or a list of them; their topic is a column, too."""
    try:
        found = artifact.parse(text)
    except ValueError as error:
        raise DataError(f"it is no JSON ({error})") from None
    for row in found if isinstance(found, list) else [found]:
        if not isinstance(row, dict):
            raise DataError('it is JSON, and no object; write {"column": value, ..}')
        yield {"topic": topic, **row}


def _listen(
    run: Run,
    broker: Broker,
    stopping: Stopping,
    writer: Writer,
    publish: str | None,
    every: float,
) -> None:
    """Answer the messages of a broker."""
    for message in broker.messages(stopping):
        try:
            for row in _rows(message.text, message.topic):
                record = run.answer(row)
                if record is None:
                    continue
                if publish is None:
                    sys.stdout.write(writer.text(record))
                    sys.stdout.flush()
                else:
                    broker.publish(publish, json.dumps(record, ensure_ascii=False))
        except LongshortError as error:
            run.refused(f"message of {message.topic}", error)
        run.keep(every)
