"""`python -m flakelens`."""

from flakelens.cli import main

if __name__ == "__main__":
    main()
