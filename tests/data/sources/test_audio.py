"""Sound files of every kind and layout; what is damaged is told by name."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from longshort.data.corpus import Recorded, Roles
from longshort.data.sources.audio import is_audio, load, read_audio, resampled
from longshort.errors import ArgumentError, DataError, MissingDependencyError

RATE = 8000


def tone(seconds: float = 0.2, hertz: float = 440.0, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def write(path: Path, samples: np.ndarray | None = None, rate: int = RATE, **more: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone() if samples is None else samples, rate, **more)
    return path


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".aiff"])
def test_every_kind_of_file(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a{suffix}", tone(0.5))
    corpus = read_audio(path, Roles(), labelled=False)
    recorded = corpus.signals[0]
    assert isinstance(recorded, Recorded)
    assert recorded.rate == RATE
    found = load(recorded)
    assert len(found) == recorded.length
    middle = slice(1000, 3000)
    size = np.abs(np.fft.rfft(found[middle]))
    assert abs(size.argmax() * RATE / 2000 - 440) < 8


def test_stereo_is_its_mean_and_another_rate_is_resampled(tmp_path: Path) -> None:
    both = np.stack([tone(1.0, 440, 44100), tone(1.0, 880, 44100)], 1)
    path = write(tmp_path / "stereo.wav", both, 44100)
    corpus = read_audio(path, Roles(), labelled=False)
    assert corpus.notes == ("1 recordings have several channels; their mean is read.",)
    recorded = corpus.sound[0]  # type: ignore[index]
    np.testing.assert_allclose(load(recorded), both.mean(1), atol=1e-4)
    found = load(recorded, RATE)
    assert len(found) == resampled(44100, 44100, RATE) == RATE
    wanted = (tone(1.0, 440) + tone(1.0, 880)) / 2
    np.testing.assert_allclose(found[200:-200], wanted[200:-200], atol=2e-3)


def test_a_table_names_files_and_what_is_said(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / "clips" / f"{name}.wav")
    rows = [
        {"path": "clips/a.wav", "label": "yes", "text": "Yes, sir", "who": "x"},
        {"path": "clips/b.wav", "label": "no", "text": "no", "who": "y"},
    ]
    frame = pl.DataFrame(rows)
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "t.tsv", separator="\t")
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name in ("t.csv", "t.tsv", "t.jsonl"):
        assert is_audio(tmp_path / name, Roles())
        corpus = read_audio(tmp_path / name, Roles(group="who"))
        assert corpus.labels == (("yes",), ("no",))
        assert corpus.transcripts == ("Yes, sir", "no")
        assert corpus.groups == ("x", "y")
    (tmp_path / "t.csv").write_text("path,label\nclips/a.wav,yes\nclips/c.wav,no\n")
    with pytest.raises(DataError, match=r"t.csv, line 3: .*c.wav: there is no such file; .*skip"):
        read_audio(tmp_path / "t.csv", Roles())
    assert not is_audio(frame.rename({"path": "x"}), Roles())
    with pytest.raises(DataError, match="Name it"):
        read_audio(frame.rename({"path": "x"}), Roles())


def test_a_folder_for_each_command(tmp_path: Path) -> None:
    for name in ("yes/a.wav", "yes/b.wav", "no/a.wav", "_noise_/hum.wav"):
        write(tmp_path / name, tone(hertz=len(name) * 50))
    (tmp_path / "testing_list.txt").write_text("yes/b.wav\n")
    corpus = read_audio(tmp_path, Roles())
    assert corpus.names == ("no/a.wav", "yes/a.wav", "yes/b.wav")
    assert corpus.labels == (("no",), ("yes",), ("yes",))
    assert corpus.parts == ("train", "train", "test")
    for part in ("train", "dev"):
        for label in ("yes", "no"):
            write(tmp_path / "parted" / part / label / "a.wav")
    parted = read_audio(tmp_path / "parted", Roles())
    assert parted.parts == ("valid", "valid", "train", "train")
    assert parted.labels == (("no",), ("yes",), ("no",), ("yes",))


def test_names_that_follow_a_pattern(tmp_path: Path) -> None:
    for name in ("7_jo_0.wav", "7_mia_1.wav", "0_jo_12.wav"):
        write(tmp_path / name)
    roles = Roles(pattern="{label}_{group}_{n}.wav")
    corpus = read_audio(tmp_path, roles)
    assert corpus.labels == (("0",), ("7",), ("7",))
    assert corpus.groups == ("jo", "jo", "mia")
    with pytest.raises(DataError, match="--pattern"):
        read_audio(tmp_path, Roles())
    write(tmp_path / "other.wav")
    with pytest.raises(DataError, match=r"other.wav: the name does not follow"):
        read_audio(tmp_path, roles)
    assert read_audio(tmp_path, roles, labelled=False).labels is None
    skipped = read_audio(tmp_path, roles.set_params(skip_bad=True))
    assert len(skipped) == 3
    assert "1 of 4 files" in skipped.notes[0]
    with pytest.raises(ArgumentError, match="name label, group"):
        read_audio(tmp_path, Roles(pattern="{x}.wav"))


def test_a_librispeech_tree(tmp_path: Path) -> None:
    for part in ("train-clean-100", "dev-clean", "test-clean"):
        folder = tmp_path / part / "19" / "198"
        for at in range(2):
            write(folder / f"19-198-000{at}.flac")
        (folder / "19-198.trans.txt").write_text("19-198-0000 ONE TWO\n19-198-0001 THREE\n")
    corpus = read_audio(tmp_path, Roles(), labelled=False)
    assert corpus.transcripts == ("ONE TWO", "THREE") * 3
    assert corpus.groups == ("19",) * 6
    assert corpus.parts == ("valid", "valid", "test", "test", "train", "train")
    assert read_audio(tmp_path / "dev-clean", Roles(), labelled=False).parts is None
    (folder / "19-198.trans.txt").write_text("19-198-0000 ONE TWO\n19-198-0007 THREE\n")
    with pytest.raises(DataError, match=r"19-198.trans.txt, line 2: there is no sound file"):
        read_audio(tmp_path, Roles(), labelled=False)


def test_a_data_folder_of_kaldi(tmp_path: Path) -> None:
    whole = np.concatenate([tone(0.5, 300), tone(0.5, 600)])
    write(tmp_path / "rec.wav", whole)
    (tmp_path / "wav.scp").write_text(f"rec {tmp_path / 'rec.wav'}\n")
    (tmp_path / "segments").write_text("one rec 0.0 0.5\ntwo rec 0.5 1.0\n")
    (tmp_path / "text").write_text("one low\ntwo high tone\n")
    (tmp_path / "utt2spk").write_text("one jo\ntwo jo\n")
    assert is_audio(tmp_path, Roles())
    corpus = read_audio(tmp_path, Roles(), labelled=False)
    assert corpus.transcripts == ("low", "high tone")
    assert corpus.groups == ("jo", "jo")
    np.testing.assert_allclose(load(corpus.sound[1]), whole[4000:], atol=1e-4)  # type: ignore[index]
    (tmp_path / "text").write_text("one low\n")
    with pytest.raises(DataError, match=r"text: tells nothing of 'two'"):
        read_audio(tmp_path, Roles(), labelled=False)
    (tmp_path / "wav.scp").write_text("rec touch /tmp/run |\n")
    with pytest.raises(DataError, match=r"wav.scp, line 1: .* never run"):
        read_audio(tmp_path, Roles(), labelled=False)


def test_damaged_files_are_named_or_skipped(tmp_path: Path) -> None:
    write(tmp_path / "yes" / "a.wav")
    write(tmp_path / "no" / "a.wav", tone(hertz=300))
    (tmp_path / "no" / "text.wav").write_text("this is no sound")
    bad = tone()
    bad[17] = np.nan
    write(tmp_path / "yes" / "nan.wav", bad, subtype="FLOAT")
    raw = write(tmp_path / "yes" / "cut.flac", tone(2.0)).read_bytes()
    (tmp_path / "yes" / "cut.flac").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match=r"text.wav: cannot be read as sound"):
        read_audio(tmp_path, Roles())
    corpus = read_audio(tmp_path, Roles(skip_bad=True))
    assert corpus.names == ("no/a.wav", "yes/a.wav")
    assert "3 of 5 files could not be read as sound" in corpus.notes[0]
    (tmp_path / "no" / "text.wav").unlink()
    lazy = read_audio(tmp_path, Roles())
    told = dict(zip(lazy.names or (), lazy.sound or (), strict=True))
    with pytest.raises(DataError, match=r"nan.wav: sample 18 is nan"):
        load(told["yes/nan.wav"])
    with pytest.raises(DataError, match=r"cut.flac: "):
        load(told["yes/cut.flac"])
    with pytest.raises(DataError, match="none of"):
        read_audio(tmp_path / "yes" / "cut.flac", Roles(skip_bad=True), labelled=False)


def test_a_file_of_no_samples_is_there(tmp_path: Path) -> None:
    corpus = read_audio(write(tmp_path / "empty.wav", np.zeros(0)), Roles(), labelled=False)
    assert corpus.sizes.tolist() == [0]
    assert load(corpus.sound[0], 4000).shape == (0,)  # type: ignore[index]


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = read_audio(write(tmp_path / "a.wav"), Roles(), labelled=False)
    recorded = Recorded(samples=tone(), rate=RATE)
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(MissingDependencyError, match=r"soxr.*longshort\[audio\]"):
        load(recorded, 16000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingDependencyError, match=r"soundfile.*longshort\[audio\]"):
        load(corpus.sound[0])  # type: ignore[index]
    assert len(load(recorded)) == len(tone())
