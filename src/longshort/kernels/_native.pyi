from collections.abc import Mapping, Sequence

from torch import Tensor

Place = tuple[int, int, int, int]

class Problem:
    rows: int
    steps: int
    features: int
    units: int
    outputs: int
    cell: int
    wide: bool
    narrow: bool
    threads: int
    forget: int
    relu: bool
    reverse: bool
    gate_clip: float
    cell_clip: float
    proj_clip: float
    h_n: int
    c_n: int
    lengths: int
    resets: int
    saved: int
    d_h_n: int
    d_c_n: int
    x: Place
    y: Place
    h_0: Place
    c_0: Place
    d_y: Place
    d_cells: Place
    d_x: Place
    d_gates: Sequence[Place]
    def __init__(self) -> None: ...
    @property
    def slots(self) -> int: ...

class Packed:
    def __init__(self, problem: Problem) -> None: ...

class Plan:
    def __init__(self, problems: Sequence[Problem], packed: list[Packed]) -> None: ...
    def step(self, x: int, y: int, h: int, c: int, h_n: int, c_n: int) -> None: ...

class Watch:
    def __init__(self, named: Mapping[str, Tensor | None], watched: list[Tensor]) -> None: ...
    def same(self) -> bool: ...

def forward(problem: Problem, packed: Packed) -> None: ...
def backward(problem: Problem) -> None: ...
def glance(place: int, size: int, /) -> int: ...
def peak() -> float: ...
def isa() -> str: ...
def isas() -> list[str]: ...
def use(name: str) -> None: ...
