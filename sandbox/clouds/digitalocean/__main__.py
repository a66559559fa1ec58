"""`python -m sandbox.clouds.digitalocean`: serve the sandbox's DigitalOcean until SIGTERM."""

import argparse
from pathlib import Path

from sandbox.clouds.digitalocean.server import serve


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.clouds.digitalocean", description=__doc__
    )
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free port")
    parser.add_argument(
        "--ready-file", type=Path, help='gets {"url": ..., "pid": ...} once the API listens'
    )
    arguments = parser.parse_args()
    serve(arguments.port, arguments.ready_file, announce=print)


if __name__ == "__main__":
    main()
