"""A pod's leader that ends at a chosen step: `python -m crash.limit_victim ADDRESS lead …`.

ADDRESS is that of the API server. What it asks of that about TradingLimits is steps, too.
"""

from crash.cases import LIMIT_EXISTS, REPORT_LIMIT
from crash.victim import around, watch
from support import api_server
from symbol_trader.resource.api_server import ApiServerResource


def main() -> None:
    """Run the leader with its ports wrapped."""
    steps = watch()
    around(steps, ApiServerResource, "limit_exists", lambda _: LIMIT_EXISTS)
    around(steps, ApiServerResource, "report_limit", lambda _: REPORT_LIMIT)
    api_server.main()


if __name__ == "__main__":
    main()
