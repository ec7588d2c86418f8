"""Expectations as data: one JSON file for each guarded table, and `runner.py`, the one module that runs them."""
