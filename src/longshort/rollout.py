"""The one loop of every model that reads its own answers: step, choose, feed back.

Recursive forecasts, text generation and sequence-to-sequence decoding differ only in what is
chosen from a prediction and in how the choice is fed back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from longshort.contracts import Batch, Prediction, State, Stepper

# (prediction, step) -> the choice: a value (B, K), a symbol (B,).
Choose = Callable[[Prediction, int], Tensor]
# (choice, step) -> the batch of one time step that the model reads next.
Feed = Callable[[Tensor, int], Batch]


def rollout(
    stepper: Stepper, batch: Batch, steps: int, choose: Choose, feed: Feed
) -> Iterator[tuple[Tensor, Prediction, State]]:
    """Yield (choice, prediction, state) for ``steps`` steps after ``batch``.

    The state yielded is the one before the choice is read. A consumer that has seen enough (an
    end symbol in every row) simply stops asking.
    """
    if steps < 1:
        return
    prediction, state = stepper.start(batch)
    for step in range(steps):
        choice = choose(prediction, step)
        yield choice, prediction, state
        if step + 1 < steps:
            prediction, state = stepper.step(feed(choice, step), state)
