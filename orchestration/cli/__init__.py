"""All that speaks to a person at a terminal. What belongs here: commands, their words and tables. What does not: anything a run computes."""
