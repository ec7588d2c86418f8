"""The pages of a release: a static site that is opened from a folder.

What belongs here: what each page needs from a release, templates, pictures. What does not: computing anything that a table of the release does
not hold; a number gets onto a page only together with the table, row and column it comes from (`marks.py`).
"""
