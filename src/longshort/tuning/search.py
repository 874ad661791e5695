"""The search for settings: a tree of Parzen estimators proposes, the validation loss tells.

The sampler is Optuna's (Bergstra et al. 2011, Akiba et al. 2019); a trial whose validation loss is
above the median of the others at the same epoch is given up (Golovin et al. 2017). What a trial
proposes is a function of the seed and of the trials before it, so a search that is broken off goes
on as if it had not been.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

from longshort import __version__
from longshort.contracts import whole
from longshort.errors import ArgumentError, MissingDependencyError, OutputError, TrainingError
from longshort.records import Epoch, History, Trial, Tuning
from longshort.tasks.base import Estimator
from longshort.tasks.standing import differences, digest
from longshort.training.seeds import step_seed
from longshort.tuning.space import Choice, Range, Space, usual_space, value_of

E = TypeVar("E", bound=Estimator)

# trials without a word of the others: before the sampler proposes, and before any is given up
_BLIND, _SPARED = 8, 4
# epochs that every trial gets, and finished trials that importance needs
_LEAST_EPOCHS, _LEAST_TRIALS = 3, 4
JOURNAL = "study.journal"


class Watcher(Protocol):
    """Whoever wants to show how a search goes on."""

    def trial(self, trial: Trial, best: Trial, count: int) -> None:
        """After each trial: it, the best so far, and how many there will be."""
        ...


@dataclass(frozen=True)
class Tuned(Generic[E]):
    """What a search found.

    Args:
        estimator: with the best settings, not fitted.
        record: every trial.
        interrupted: whether Ctrl-C ended the search before its last trial.
    """

    estimator: E
    record: Tuning
    interrupted: bool = False


def tune(
    estimator: E,
    data: Any,
    trials: int = 30,
    *,
    out: str | Path | None = None,
    space: Space | None = None,
    resume: bool = True,
    progress: Watcher | None = None,
) -> Tuned[E]:
    """Choose settings by the validation loss of one network each; the test part stays shut.

    The first trial has the estimator's own settings. Ctrl-C ends the search and keeps what was
    found; with ``out``, the same call goes on from there.

    Args:
        estimator: its other settings hold for all trials; it is not changed.
        data: as for its ``fit``.
        trials: how many in all, those of an earlier call among them.
        out: a folder for the study, in the format of Optuna's journal; None keeps none.
        space: what to choose from, by the names of ``set_params``; ``usual_space`` by default.
            The estimator's own values are always possible.
        resume: go on with a study that is there; else begin anew.
        progress: who is told.

    Raises:
        MissingDependencyError: Optuna is not installed.
        ArgumentError: a name of the space is no setting, or the study was made with other
            settings or data.
        DataError: the data cannot be used as they are.
        OutputError: the study cannot be written.
        TrainingError: every trial failed.
        KeyboardInterrupt: it came before the first trial was done.
    """
    whole("trials", trials, 1)
    search = _Search(estimator, data, None if out is None else Path(out), space, resume)
    interrupted = False
    while not interrupted and len(search.done()) < trials:
        interrupted = not search.step()
        if progress is not None and not interrupted:
            found = search.record()
            progress.trial(found.trials[-1], found.trials[found.best], trials)
    if not search.done():
        raise KeyboardInterrupt
    found = search.record()
    best = estimator.set_copy(**found.trials[found.best].settings)
    return Tuned(best, found, interrupted)


class _Search(Generic[E]):
    """A study, and what it is about."""

    def __init__(
        self, estimator: E, data: Any, out: Path | None, space: Space | None, resume: bool
    ) -> None:
        self.optuna = _optuna()
        self.estimator, self.data = estimator, data
        probe = estimator.set_copy()
        parts = probe._learn(data)
        if parts.valid is None or not len(parts.valid):
            raise ArgumentError("tune: there is no validation part to choose by; see split")
        self.unit = probe._new(0).head.unit
        given = usual_space(probe, parts) if space is None else space
        self.own = {name: value_of(estimator, name) for name in given}
        # what was left to be chosen by the data is what they chose
        if self.own.get("window__context", 0) is None:
            self.own["window__context"] = probe.encoding_.context
        self.space = {name: part.holding(self.own[name]) for name, part in given.items()}
        prints = {**estimator.prints(), "space": repr(dict(sorted(self.space.items())))}
        prints |= {"data": digest((parts.train, parts.valid)), "longshort": __version__}
        with _quiet(self.optuna):
            self.study = self._open(out, prints, resume)

    def _open(self, out: Path | None, prints: Mapping[str, str], resume: bool) -> Any:
        """A new study, or the one that is there."""
        optuna, storage = self.optuna, None
        pruner = optuna.pruners.MedianPruner(_SPARED, _LEAST_EPOCHS)
        if out is not None:
            storage = _storage(optuna, out / JOURNAL, resume)
        study = optuna.create_study(
            storage=storage, pruner=pruner, study_name="longshort", load_if_exists=True
        )
        before = study.user_attrs.get("prints")
        if before is None:
            study.set_user_attr("prints", dict(prints))
        elif differ := differences(before, prints):
            raise ArgumentError(
                f"{out} holds a search with other settings or data: {differ}. Go on with the same "
                "ones, or begin anew: --no-resume, or another folder"
            )
        # a trial that was broken off is made anew
        state = optuna.trial.TrialState
        for trial in study.get_trials(deepcopy=False, states=(state.RUNNING,)):
            study.tell(trial.number, state=state.FAIL)
        return study

    def done(self) -> list[Any]:
        """Trials that came to an end of their own, in order."""
        return [t for t in self.study.get_trials(deepcopy=False) if "outcome" in t.user_attrs]

    def step(self) -> bool:
        """Make one more trial; False where Ctrl-C came in its way."""
        study, state, number = self.study, self.optuna.trial.TrialState, len(self.done())
        # proposals depend on nothing that a new start would forget
        seed = step_seed(self.estimator.random_state, number, 1) % 2**32
        study.sampler = self.optuna.samplers.TPESampler(seed=seed, n_startup_trials=_BLIND)
        if not number and not study.get_trials(deepcopy=False, states=(state.WAITING,)):
            study.enqueue_trial({n: v for n, v in self.own.items() if self.space[n].holds(v)})
        trial = study.ask()
        settings = {name: _suggested(trial, name, part) for name, part in self.space.items()}
        settings = self.own if not number else settings
        watch = _Watch(trial)
        begun, outcome = time.perf_counter(), "done"
        try:
            one = {**settings, "training__members": 1, "training__refit": False}
            found = self.estimator.set_copy(**one).fit(self.data, progress=watch)
            if "interrupted" in found.history_.stops:
                raise KeyboardInterrupt
        except _GivenUpError:
            outcome = "early"
        except TrainingError:
            outcome = "failed"
        except KeyboardInterrupt:
            study.tell(trial, state=state.FAIL)
            return False
        trial.set_user_attr("epochs", watch.epochs)
        trial.set_user_attr("seconds", time.perf_counter() - begun)
        trial.set_user_attr("loss", watch.best)
        trial.set_user_attr("settings", settings)
        trial.set_user_attr("outcome", outcome)
        if outcome == "done":
            study.tell(trial, watch.best)
        else:
            study.tell(trial, state=state.PRUNED if outcome == "early" else state.FAIL)
        return True

    def record(self) -> Tuning:
        """All trials so far."""
        trials = []
        for number, trial in enumerate(self.done()):
            told = trial.user_attrs
            trials.append(
                Trial(
                    number,
                    dict(told["settings"]),
                    told["loss"],
                    told["outcome"],
                    told["epochs"],
                    told["seconds"],
                )
            )
        finished = [trial for trial in trials if trial.loss is not None and trial.outcome == "done"]
        if not finished:
            raise TrainingError(
                f"every one of {len(trials)} trials failed: lower the rates of the space"
            )
        best = min(finished, key=lambda trial: (trial.loss, trial.number))
        enough = len(finished) >= _LEAST_TRIALS
        return Tuning(tuple(trials), best.number, self._importance() if enough else {}, self.unit)

    def _importance(self) -> dict[str, float]:
        """What the losses vary by, the greatest share first."""
        importance = self.optuna.importance
        evaluator = importance.FanovaImportanceEvaluator(seed=0)
        names = [n for n, part in self.space.items() if part != Choice((self.own[n],))]
        with _quiet(self.optuna):
            found = importance.get_param_importances(self.study, evaluator=evaluator, params=names)
        return {name: float(share) for name, share in found.items()}


class _GivenUpError(Exception):
    """A trial is no longer worth its time."""


class _Watch:
    """Tells a trial its validation losses, and ends the fit when the trial should end."""

    def __init__(self, trial: Any) -> None:
        self.trial, self.epochs = trial, 0
        self.best: float | None = None

    def start(self, summary: str, seconds: float, epochs: int) -> None:
        """Nothing to do."""

    def note(self, text: str) -> None:
        """Nothing to do."""

    def epoch(self, epoch: Epoch) -> None:
        """Report, and give up where others were better by then."""
        assert epoch.valid_loss is not None
        self.epochs += 1
        self.best = epoch.valid_loss if self.best is None else min(self.best, epoch.valid_loss)
        self.trial.report(epoch.valid_loss, epoch.epoch)
        if self.trial.should_prune():
            raise _GivenUpError

    def finish(self, history: History) -> None:
        """Nothing to do."""


def _suggested(trial: Any, name: str, part: Choice | Range) -> Any:
    """What the sampler proposes for one setting."""
    if isinstance(part, Choice):
        return trial.suggest_categorical(name, part.values)
    # three digits say all that there is to say
    number = float(f"{trial.suggest_float(name, part.low, part.high, log=part.log):.3g}")
    return min(max(number, part.low), part.high)


def _optuna() -> ModuleType:
    """Optuna, and its importance, which it loads when asked.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        optuna = import_module("optuna")
        import_module("optuna.importance")
        import_module("optuna.storages.journal")
    except ImportError as error:
        raise MissingDependencyError(
            "tuning needs Optuna, which is not installed: pip install 'longshort[tune]'"
        ) from error
    return optuna


def _storage(optuna: ModuleType, path: Path, resume: bool) -> Any:
    """The journal of a study as a file, whole lines of it.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not resume:
            path.unlink(missing_ok=True)
        if path.exists():
            content = path.read_bytes()
            # a kill while a line was written leaves a part of it
            with path.open("r+b") as file:
                file.truncate(content.rfind(b"\n") + 1)
        backend = optuna.storages.journal.JournalFileBackend(str(path))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return optuna.storages.JournalStorage(backend)


@contextlib.contextmanager
def _quiet(optuna: ModuleType) -> Iterator[None]:
    """Without Optuna's own words."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
