"""`python -m sandbox.clouds.digitalocean`: serve the sandbox's DigitalOcean until SIGTERM."""

from sandbox.clouds.digitalocean.application import QuietHandler, application
from sandbox.clouds.serving import main

if __name__ == "__main__":
    main("digitalocean", application, QuietHandler)
