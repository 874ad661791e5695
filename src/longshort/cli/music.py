"""``longshort fit music``: from MIDI, MusicXML or piano rolls to a model that writes music."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from longshort.cli import running
from longshort.cli.options import changed, taking
from longshort.cli.running import Resume
from longshort.cli.text import TEXT, language_model
from longshort.data.codecs.notation import Notation
from longshort.data.sources.music import MUSIC
from longshort.errors import ArgumentError
from longshort.records import LanguageEvaluation
from longshort.tasks.generate import LanguageModel

# of few hundred pieces, which most collections are
_RECIPE = {"size": 200, "dropout": 0.3, "batch": 16, "epochs": 30, "rate": 3e-3, "steps": 128}


@taking(changed(language_model, TEXT, notation="rolls", output="plain", **_RECIPE))
def music(
    data: Annotated[Path, typer.Argument(help=f"A file or folder of music: {', '.join(MUSIC)}.")],
    estimator: LanguageModel,
    out: Annotated[Path, typer.Option(help="Folder for model, report and history.")] = Path(
        "fitted"
    ),
    init: Annotated[Path | None, typer.Option(help="A model.lstm to begin with.")] = None,
    resume: Resume = None,
) -> None:
    """Learn to tell what sounds next in music: frames of a piano roll, or notes.

    longshort fit music chorales/ --resolution 2 --out chorales

    A piece is never cut: the first ones are learnt from, the next ones choose the epoch, and the
    last ones are kept unseen until training is over. A folder with folders train, valid and test,
    and files that hold such parts, are read as they are parted.

    longshort generate chorales/model.lstm --prompt start.mid --out sample.mid

    That writes on where a file ends, as MIDI.
    """
    if not estimator.notation.music:
        raise ArgumentError(f"--notation {Notation().kind}: music is written as rolls or events")

    def judge() -> LanguageEvaluation | None:
        kept = estimator.passages(data).test is not None
        return estimator.evaluate(data) if kept else None

    running.run(estimator, data, out, resume, judge, init=init, keep_codec=init is not None)
