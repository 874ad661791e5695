"""Music from files: against files written by hand, another reader, and what is wrong with them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from longshort import Notation
from longshort.data.codecs.notation import Composition
from longshort.data.sources.midi import read_midi, voices, write_midi
from longshort.data.sources.music import read_music, read_piece, transposed
from longshort.data.sources.musicxml import read_musicxml
from longshort.errors import ArgumentError, DataError, OutputError

pytest.importorskip("symusic")
ROLLS = Notation("rolls", resolution=1)
CHORD = Composition(
    np.array([[0, 2, 48, 80], [0, 1, 64, 80], [1, 1, 65, 80], [2, 0.5, 60, 127]], float), 2.5, 90.0
)


def texts(data: Any, notation: Notation = ROLLS) -> list[str]:
    found = read_music(data, notation)
    assert not isinstance(found, dict)
    return [piece.text for piece in found.read()]


def midi(*events: bytes, division: bytes = b"\0\4") -> bytes:
    """A MIDI file of one track, by the bytes of its standard."""
    track = b"".join(events) + b"\0\xff\x2f\0"
    head = b"MThd\0\0\0\6\0\0\0\1" + division
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


def test_a_midi_file_is_read_by_its_standard(tmp_path: Path) -> None:
    # four ticks a quarter, tempo 500,000 us: E4 for a quarter, and drums on channel 10
    path = tmp_path / "a.mid"
    tempo = b"\0\xff\x51\3\7\xa1\x20"
    drum = b"\0\x99\x24\x40\4\x89\x24\0"
    path.write_bytes(midi(tempo, b"\0\x90\x40\x64", b"\4\x80\x40\0", drum))
    found = read_midi(path)
    assert found.notes.tolist() == [[0, 1, 64, 100]]
    assert (found.length, found.tempo) == (1, 120)


def test_midi_files_are_written_as_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    write_midi(path, CHORD)
    found = read_midi(path)
    np.testing.assert_allclose(found.notes, CHORD.notes)
    assert found.tempo == pytest.approx(90, abs=1e-3)
    # the highest voice first; it goes on where a note is alone
    assert voices(CHORD).tolist() == [1, 0, 0, 0]
    with pytest.raises(OutputError):
        write_midi(tmp_path / "none" / "a.mid", CHORD)
    with pytest.raises(DataError, match="no note in the piece"):
        write_midi(path, CHORD._replace(notes=np.zeros((0, 4))))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not a whole MIDI file"),
        (midi(b"\0\x90\x40\x64", b"\4\x80\x40\0")[:-9], "not a whole MIDI file"),
        (midi(), "no note"),
        (midi(b"\0\x99\x24\x40", b"\4\x89\x24\0"), "only drums, 1 notes"),
        (midi(b"\0\x90\x40\x64", b"\0\x80\x40\0"), "lasts any time"),
        (midi(b"\0\x90\x40\x64", b"\4\x80\x40\0", division=b"\xe7\x28"), "not a whole MIDI file"),
        (midi(b"\0\x90\x40\x64", b"\4\x80\x40\0", division=b"\0\0"), "ticks"),
    ],
)
def test_midi_files_that_hold_no_music(data: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.mid"
    path.write_bytes(data)
    with pytest.raises(DataError, match=told) as error:
        read_midi(path)
    assert str(path) in str(error.value)


SCORE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"
 "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0">
 <part-list><score-part id="P1"><part-name>A</part-name></score-part></part-list>
 <part id="P1"><measure number="1">
  <attributes><divisions>2</divisions></attributes>
  <direction><sound tempo="72"/></direction>
  <note><grace/><pitch><step>D</step><octave>4</octave></pitch></note>
  <note><pitch><step>C</step><octave>4</octave></pitch><duration>2</duration></note>
  <note><chord/><pitch><step>E</step><alter>-1</alter><octave>4</octave></pitch>
   <duration>2</duration></note>
  <note><rest/><duration>2</duration></note>
  <note><pitch><step>G</step><octave>4</octave></pitch><duration>4</duration>
   <tie type="start"/></note>
  <backup><duration>8</duration></backup>
  <note><pitch><step>C</step><octave>3</octave></pitch><duration>3</duration></note>
  <forward><duration>5</duration></forward>
 </measure><measure number="2">
  <note><pitch><step>G</step><octave>4</octave></pitch><duration>1</duration>
   <tie type="stop"/></note>
 </measure></part>
 <part id="P2"><measure number="1">
  <attributes><divisions>1</divisions><transpose><chromatic>-2</chromatic></transpose></attributes>
  <note><unpitched/><duration>1</duration></note>
  <note><pitch><step>D</step><octave>5</octave></pitch><duration>1</duration></note>
 </measure></part>
</score-partwise>"""


def test_musicxml_is_read_as_it_sounds(tmp_path: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_text(SCORE)
    found = read_musicxml(path)
    # a chord, a tie over the bar, a second voice, and a clarinet in B flat
    wanted = [(0, 1, 60), (0, 1, 63), (0, 1.5, 48), (1, 1, 72), (2, 2.5, 67)]
    assert sorted(map(tuple, found.notes[:, :3].tolist())) == sorted(wanted)
    assert (found.length, found.tempo) == (4.5, 72)


@pytest.mark.parametrize("container", [True, False])
def test_packed_musicxml(container: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.mxl"
    with zipfile.ZipFile(path, "w") as archive:
        if container:
            archive.writestr(
                "META-INF/container.xml",
                '<container><rootfiles><rootfile full-path="in/s.xml"/></rootfiles></container>',
            )
        archive.writestr("in/s.xml" if container else "s.musicxml", SCORE)
    assert len(read_musicxml(path).notes) == 5


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("<duration>3</duration>", "<duration>x</duration>", "P1, measure 1: duration is 'x'"),
        ("<step>G</step>", "<step>H</step>", "step 'H'"),
        ("<duration>8</duration></backup>", "<duration>80</duration></backup>", "before the begin"),
        ("</part-list>", "", "line .*mismatched tag"),
        ("score-partwise ver", "opus ver", "mismatched tag"),
        ('partwise.dtd">', 'p" [<!ENTITY a "aaaa">]>', "declares the entity 'a'"),
        ("<divisions>2", "<divisions>0", "divisions are 0"),
    ],
)
def test_scores_that_cannot_be_read(before: str, after: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.musicxml"
    path.write_text(SCORE.replace(before, after))
    with pytest.raises(DataError, match=told) as error:
        read_musicxml(path)
    assert str(path) in str(error.value)


def test_files_that_are_no_scores(tmp_path: Path) -> None:
    path = tmp_path / "odd.xml"
    for text, told in (("<html/>", "its root is <html>"), ("<score-partwise/>", "no pitched note")):
        path.write_text(text)
        with pytest.raises(DataError, match=told):
            read_musicxml(path)


def roll(*frames: tuple[int, ...], width: int = 88) -> np.ndarray[Any, Any]:
    found = np.zeros((len(frames), width))
    for at, keys in enumerate(frames):
        found[at, list(keys)] = 1
    return found


def test_rolls_of_every_kind_of_file_are_the_same(tmp_path: Path) -> None:
    # key 39 of a piano, from 0, is the middle C, 60 of MIDI
    one, two = roll((39, 43), (), (39,)), roll((0,))
    wanted = ["C4 E4 | | C4 | ", "A0 | "]
    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = one, two
    scipy.io.savemat(tmp_path / "a.mat", {"pieces": cells})
    assert texts(tmp_path / "a.mat") == wanted
    np.savez(tmp_path / "a.npz", first=one, second=two)
    assert texts(tmp_path / "a.npz") == wanted
    np.save(tmp_path / "a.npy", roll((60, 64), (), (60,), width=128))
    assert texts(tmp_path / "a.npy") == wanted[:1]
    chords = [[[60, 64], [], [60, -1, float("nan")]], [[21]]]
    (tmp_path / "a.json").write_text(json.dumps(chords))
    assert texts(tmp_path / "a.json") == wanted
    (tmp_path / "b.json").write_text(json.dumps(chords[0]))
    assert texts(str(tmp_path / "b.json")) == wanted[:1]


def test_parts_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"train": [[[60]], [[62]]], "test": [[[64]]]}))
    found = read_music(path, ROLLS)
    assert isinstance(found, dict)
    told = {part: [piece.text for piece in prose.read()] for part, prose in found.items()}
    assert told == {"train": ["C4 | ", "D4 | "], "test": ["E4 | "]}
    scipy.io.savemat(tmp_path / "a.mat", {"traindata": roll((39,)), "validdata": roll((41,))})
    assert set(read_music(tmp_path / "a.mat", ROLLS)) == {"train", "valid"}  # type: ignore[arg-type]
    with pytest.raises(DataError, match="parts of its own"):
        read_music([path], ROLLS)
    for part in ("train", "valid"):
        (tmp_path / "parted" / part).mkdir(parents=True)
        write_midi(tmp_path / "parted" / part / "a.mid", CHORD)
    assert set(read_music(tmp_path / "parted", ROLLS)) == {"train", "valid"}  # type: ignore[arg-type]


def test_folders_and_lists(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write_midi(tmp_path / "below" / "b.MID", CHORD)
    (tmp_path / "a.musicxml").write_text(SCORE)
    (tmp_path / "notes.txt").write_text("not music")
    found = texts(tmp_path)
    assert found == texts([tmp_path / "a.musicxml", CHORD])
    assert found[1] == "C3 E4 | C3 F4 | C4 | "
    assert read_piece(tmp_path / "a.musicxml", ROLLS).tempo == 72
    prose = read_music([CHORD], Notation("rolls", 1, transpose=1))
    assert not isinstance(prose, dict)
    moved = [piece.text[:6] for piece in transposed(prose, Notation("rolls", 1, 1)).read()]
    assert moved == ["C3 E4 ", "B2 D#4", "C#3 F4"]


def test_what_was_changed_is_told(tmp_path: Path) -> None:
    extra = np.array([[0.25, 1, 60, 80], [0, 1, 10, 80]], float)
    prose = read_music([CHORD, CHORD._replace(notes=extra)], ROLLS)
    assert not isinstance(prose, dict)
    grid, beyond = prose.notes
    assert "at most 0.2500" in grid
    assert "1 of 6 notes" in beyond
    exact = read_music([CHORD], Notation("rolls", 2))
    assert not isinstance(exact, dict)
    assert exact.notes == ()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", "[", "no JSON"),
        ("a.json", "[[[60, 300]]]", "piece 1, frame 0: 300 is no key"),
        ("a.json", '[[["C4"]]]', "frame 0: 'C4' is no key"),
        ("a.json", "[[]]", "no frame"),
        ("a.json", "[]", "no piece"),
        ("a.json", "[[[], []]]", "nothing sounds"),
        ("a.json", '{"songs": []}', "'songs'"),
        ("a.json", "[[60], 5]", "frame 1: '5'"),
        ("a.npy", "junk", "not a whole file of arrays|pickle"),
        ("a.mat", "junk", "not a whole MATLAB file"),
        ("a.txt", "C4", "music is read from files"),
    ],
)
def test_files_that_hold_no_rolls(name: str, content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=told) as error:
        read_music(path, ROLLS)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((3, 50)), "shape"),
        (np.zeros((0, 88)), "no frame"),
        (np.full((2, 88), np.nan), "frame 0, key 0: nan"),
        (-np.eye(88), "frame 0, key 0: -1"),
        (np.eye(128), "frame 0: a key that no piano has"),
        (np.array([[None] * 88]), "pickle"),
    ],
)
def test_arrays_that_are_no_rolls(array: Any, told: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(DataError, match=told):
        read_music(tmp_path / "a.npy", ROLLS)


def test_other_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_music(tmp_path / "none.mid", ROLLS)
    with pytest.raises(DataError, match="no file in it"):
        read_music(tmp_path, ROLLS)
    with pytest.raises(ArgumentError, match="got int"):
        read_music(5, ROLLS)
    with pytest.raises(ArgumentError, match="piece 1 is a int"):
        read_music([5], ROLLS)
