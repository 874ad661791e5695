"""Training: one loop for every model; it survives kills, wrong numbers and scarce memory."""

from longshort.training.loop import estimate_seconds, fit
from longshort.training.loss import mean_loss
from longshort.training.parts import clip
from longshort.training.seeds import seeded, step_seed
from longshort.training.settings import (
    Optimizer,
    Schedule,
    Training,
    make_optimizer,
    rate_factor,
)
from longshort.training.snapshot import weights_of as snapshot

__all__ = [
    "Optimizer",
    "Schedule",
    "Training",
    "clip",
    "estimate_seconds",
    "fit",
    "make_optimizer",
    "mean_loss",
    "rate_factor",
    "seeded",
    "snapshot",
    "step_seed",
]
