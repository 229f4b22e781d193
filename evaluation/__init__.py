"""How well the search answers: judged questions, measures, and what writes EVAL.md."""
