"""The user's own requests: how often they are sent, and what their answers prove.

`parts` takes an answer apart, `learned` says what stands still in those of direct, `judgement` what
is odd in those of another way, `cache_signs` and `kept_values` whether a cache gave them. All of
that is pure. `conversation` sends the requests, `verdicts` puts it into words.
"""
