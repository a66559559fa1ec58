"""Tests with packets: a package, so that its labs are closed when a worker is through with it."""
