"""From publishers to `data/raw`: find an address, download with care, keep every edition, say what came of each attempt.

No Dagster and no reading of contents here: a file is bytes with a hash. Layouts belong to `readers/`, addresses to `sources/`.
"""
