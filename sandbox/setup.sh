#!/bin/sh
# Make the Python environment of this checkout: sh sandbox/setup.sh FOLDER
# Everything is pinned by requirements.lock. PYTHON names the interpreter to use.
#
# pip installs uv, and uv installs the rest: that takes seconds instead of minutes, and uv keeps
# what it loaded in a cache of its own for the next checkout. Where uv does not run, or knows no
# way to a package index (pip's settings are not uv's), pip installs the same pinned packages.
set -eu

folder=$1
python=${PYTHON:-python3}

fail() {
	echo "$1" >&2
	exit 2
}

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
	fail "python ($python) is missing; Python 3.11 or newer. Install it, or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
	fail "python ($python) is $version; Python 3.11 or newer. Install it, or name one: make PYTHON=/path/to/python3"

# Debian and Ubuntu ship Python without the part that makes environments.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		echo "Installing python$version-venv ..."
		{ apt-get update -qq && apt-get install -y -qq "python$version-venv" >/dev/null; } ||
			fail "the package python$version-venv is missing and could not be installed; see above. Install it by hand."
	else
		fail "the Python module venv is missing; it is in Debian's package python$version-venv. Install it: sudo apt-get install python$version-venv"
	fi
fi

# Install with uv what the arguments say; they are the same for pip and uv.
with_uv() {
	VIRTUAL_ENV=$folder "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" "$@"
}
with_pip() {
	"$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# uv as requirements.lock pins it: its line and those with its hashes.
pinned_uv=$(mktemp)
trap 'rm -f "$pinned_uv"' EXIT
awk '/^[^ ]/ { uv = /^uv==/ } uv' requirements.lock >"$pinned_uv"

echo "Making the Python environment in $folder (pinned, less than a minute) ..."
"$python" -m venv "$folder"
if with_pip --require-hashes --no-deps --only-binary :all: -r "$pinned_uv" &&
	with_uv --require-hashes -r requirements.lock; then
	install=with_uv
else
	echo "uv could not install the packages (see above); trying with pip, which takes minutes ..." >&2
	with_pip --require-hashes -r requirements.lock ||
		fail "the packages of requirements.lock could not be installed; see above. Check the way to a Python package index and run this again."
	install=with_pip
fi
$install --no-deps --no-build-isolation --editable .
