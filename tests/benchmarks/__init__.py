"""Benchmarks: figures beside what they are compared with; they never fail a build by the clock."""
