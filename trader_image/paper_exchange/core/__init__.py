"""The matching core: orders, balances, filters and matching as pure functions of its inputs."""
