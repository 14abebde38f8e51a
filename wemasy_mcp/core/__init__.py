"""What a call is: its rules, its errors, the one request, the result that a model reads."""
