"""Sampling of utilisation, resolutions of its curve, and the backtest of value at risk; pure."""
