"""What offers do and how they get better: holdout and tests, effect, learning between trainings, what-if, fairness."""
