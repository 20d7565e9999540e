"""`python -m codeassist`: the program where its script is not on the path."""

from codeassist.cli import main

main()
