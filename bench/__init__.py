"""Benchmarks: figures beside their reference, from one run. No test asserts on them."""
