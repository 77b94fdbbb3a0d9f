"""`python -m app.cli` is `oms`."""

from app.cli import main

main()
