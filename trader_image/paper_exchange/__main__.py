"""Entry point of the `paper-exchange` program."""

from paper_exchange.shell.cli import main

if __name__ == "__main__":
    main()
