"""python -m balsa_pipe."""

from balsa_pipe.cli import main

main()
