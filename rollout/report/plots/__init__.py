"""The plots of a page, drawn by matplotlib as SVG that takes its colours and font from the page.

Each is drawn twice, for a wide page and for a narrow one, so that its text is as large as the
page's on a phone too. Why matplotlib: docs/decisions/0024-matplotlib-draws-the-plots.md.
"""
