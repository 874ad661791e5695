"""What training disturbs, and the masks that it is disturbed with.

    dropout             of every layer's outputs but the last's, as torch does it
    variational_input   one mask per row over a layer's inputs, the same at every step, and
    variational_hidden  one over the hidden state that it multiplies (Gal & Ghahramani 2016)
    recurrent_dropout   of the candidate, a new mask at every step (Semeniuta et al. 2016)
    zoneout_hidden,     each unit keeps its old value with this probability; outside of training
    zoneout_cell        it keeps this share of it (Krueger et al. 2017)
    weight_drop         of the recurrent weights, one mask per call (DropConnect, Merity et al.
                        2018); the parameters themselves are never touched

All masks of a call derive from one seed. Each place has a stream of its own: the index of the layer
that made the output for ``dropout``, else 2**32 * kind + 2 * layer + direction, where kind is the
place in ``KINDS``, from 1. Masks are drawn rows first, whatever the layout of the input.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from longshort.kernels.reference import Masks
from longshort.layers.masks import Seed, keep_mask

KINDS = (
    "variational_input",
    "variational_hidden",
    "recurrent_dropout",
    "zoneout_hidden",
    "zoneout_cell",
    "weight_drop",
)
NO_MASKS = Masks()


@dataclass(frozen=True)
class Regularisers:
    """Probabilities, each from 0 to 1; see this module's page.

    Raises:
        ValueError: a probability is not between 0 and 1.
    """

    variational_input: float = 0.0
    variational_hidden: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout_hidden: float = 0.0
    zoneout_cell: float = 0.0
    weight_drop: float = 0.0

    def __post_init__(self) -> None:
        for name in KINDS:
            value = getattr(self, name)
            if isinstance(value, bool) or not 0 <= value <= 1:
                raise ValueError(f"{name} should be a probability from 0 to 1, got: {value!r}")

    @property
    def active(self) -> bool:
        """Whether there is anything to do."""
        return any(getattr(self, name) > 0 for name in KINDS)

    @property
    def resting(self) -> bool:
        """Whether something is to be done outside of training too."""
        return self.zoneout_hidden > 0 or self.zoneout_cell > 0

    def masks(
        self, seed: Seed | None, place: int, x: Tensor, hidden: int, units: int, row: int = 0
    ) -> Masks:
        """The masks of one layer and direction.

        Args:
            seed: of the call; None outside of training.
            place: 2 * layer + direction.
            x: the layer's input, (B, T, F).
            hidden: P, values of the hidden state.
            units: H, units of the cell.
            row: where x's rows begin in the batch that the masks are drawn for.
        """
        if not self.active or (seed is None and not self.resting):
            return NO_MASKS
        rows, steps, features = x.shape

        def drop(kind: str, steps: int, width: int) -> Tensor | None:
            p = getattr(self, kind)
            if seed is None or p == 0:
                return None
            return _mask(kind, p, seed, place, (rows, steps, width), x, row)

        def keep(kind: str, width: int) -> Tensor | None:
            p = getattr(self, kind)
            if p == 0:
                return None
            if seed is None:
                return x.new_full((1, 1, 1), p)
            # what dropout would zero is what zoneout keeps
            return (_mask(kind, p, seed, place, (rows, steps, width), x, row) == 0).to(x.dtype)

        return Masks(
            drop("variational_input", 1, features),
            drop("variational_hidden", 1, hidden),
            drop("recurrent_dropout", steps, units),
            keep("zoneout_hidden", hidden),
            keep("zoneout_cell", units),
        )

    def thin(self, w_hh: Tensor, seed: Seed | None, place: int) -> Tensor:
        """The recurrent weights that this call reads."""
        if seed is None or self.weight_drop == 0:
            return w_hh
        return w_hh * _mask("weight_drop", self.weight_drop, seed, place, tuple(w_hh.shape), w_hh)


def _mask(
    kind: str, p: float, seed: Seed, place: int, shape: tuple[int, ...], like: Tensor, row: int = 0
) -> Tensor:
    stream = ((KINDS.index(kind) + 1) << 32) + place
    return keep_mask(seed, stream, shape, p, row=row, dtype=like.dtype, device=like.device)
