"""What AWS refuses, one small function a rule.

A rule is pure: it gets the request and what there is, and returns a `Refusal` or None. Its name
is stable, and its docstring says what is refused and who says so; `docs/aws-model.md` is made of
these. Messages are those that AWS gives where public reports show them, and worded alike
elsewhere.
"""
