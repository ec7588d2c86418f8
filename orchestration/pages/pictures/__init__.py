"""Pictures as inline SVG, each with the same rows as a table. What belongs here: geometry. What does not: which rows, and what they mean."""
