"""`python -m vizsla` is the command `vizsla`."""

from vizsla.cli import main

if __name__ == "__main__":
    main()
