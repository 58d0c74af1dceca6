"""`python -m promise` is the command `promise`."""

from promise.cli import main

main()
