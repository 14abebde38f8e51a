"""A call: its rules, its errors, the single request, and the result that a model reads."""
