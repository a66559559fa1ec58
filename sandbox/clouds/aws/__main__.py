"""`python -m sandbox.clouds.aws`: serve the sandbox's AWS until SIGTERM."""

from sandbox.clouds.aws.application import QuietMotoHandler, application
from sandbox.clouds.serving import main

if __name__ == "__main__":
    main("aws", application, QuietMotoHandler)
