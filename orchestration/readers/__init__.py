"""Readers: bytes of a published file in, published figures out. One module a layout; no Dagster, no network, no warehouse.

A reader keeps the publisher's marks in their own column and says in which cell each value stands. A layout that is not the
expected one raises `LayoutError`; a reader never guesses.
"""
