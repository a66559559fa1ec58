#!/bin/sh
# Make the Python environment of this checkout: sh sandbox/setup.sh FOLDER
# Everything is pinned by requirements.lock. PYTHON names the interpreter to use.
set -eu

folder=$1
python=${PYTHON:-python3}

fail() {
	echo "$1" >&2
	exit 2
}

found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
	fail "python ($python) is missing; Python 3.11 or newer. Install it, or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
	fail "python ($python) is $found; Python 3.11 or newer. Install it, or name one: make PYTHON=/path/to/python3"

# Debian and Ubuntu ship Python without the part that makes environments.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		echo "Installing python$found-venv ..."
		{ apt-get update -qq && apt-get install -y -qq "python$found-venv" >/dev/null; } ||
			fail "the package python$found-venv is missing and could not be installed; see above. Install it by hand."
	else
		fail "the Python module venv is missing; it is in Debian's package python$found-venv. Install it: sudo apt-get install python$found-venv"
	fi
fi

echo "Making the Python environment in $folder (pinned, about a minute) ..."
"$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock ||
	fail "the packages of requirements.lock could not be installed; see above. Check the way to a Python package index and run this again."
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
