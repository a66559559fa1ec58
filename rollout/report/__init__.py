"""One page from a plan: HTML that needs nothing else, Markdown, or JSON.

`document` is what is reported, typed, and what `--json` prints. `view` makes sections, tables and
sentences of it; `plots` the drawings; `html` and `markdown` a page of those. All of it is pure:
only `command` reads and writes.

Nothing is imported here: whoever only asks for help need not wait for matplotlib.
"""
