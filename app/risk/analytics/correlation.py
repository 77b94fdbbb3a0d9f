"""Correlations between the daily returns of several things."""

import numpy as np

from app.risk.analytics.series import Floats


def correlations(returns: Floats) -> list[list[float | None]]:
    """The matrix of the columns of at least two rows; None where a column did not move, as nothing goes with it."""
    centred = returns - returns.mean(axis=0)
    spread = np.sqrt((centred * centred).sum(axis=0))
    # What is left of a constant column is rounding.
    moves = spread > 1e-12
    scaled: Floats = centred / np.where(moves, spread, 1.0)
    products = np.clip(scaled.T @ scaled, -1.0, 1.0)
    count = returns.shape[1]
    return [
        [float(products[row, column]) if moves[row] and moves[column] else None for column in range(count)]
        for row in range(count)
    ]
