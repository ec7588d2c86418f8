"""Publication: releases that people may rely on. What belongs here: freezing marts into files. What does not: computing them."""
