"""PostgreSQL on this machine, without a package of the system: for `make try` and the tests."""
