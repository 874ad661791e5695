"""What a network does with what it reads: how far back gradients reach, what answers lean on."""

from longshort.explain.attribution import Attribution, integrated_gradients
from longshort.explain.flow import GradientFlow, gradient_flow
from longshort.explain.permutation import Reads, permuted

__all__ = [
    "Attribution",
    "GradientFlow",
    "Reads",
    "gradient_flow",
    "integrated_gradients",
    "permuted",
]
