"""``python -m longshort``: the command line, for launchers that start modules, as torchrun does."""

from longshort.cli.app import main

if __name__ == "__main__":
    main()
