"""The methods of the WebSocket API by name: what each one does, needs and weighs."""

from paper_exchange.protocol import (
    account_methods,
    market_methods,
    order_methods,
    rule_methods,
    session_methods,
)
from paper_exchange.protocol.calls import Method, Security
from paper_exchange.protocol.weights import by_list, by_symbol, fixed, with_flag, with_parameter

METHODS: dict[str, Method] = {
    "ping": Method(market_methods.ping, Security.NONE, fixed(1)),
    "time": Method(market_methods.time, Security.NONE, fixed(1)),
    "exchangeInfo": Method(market_methods.exchange_info, Security.NONE, fixed(20)),
    "executionRules": Method(rule_methods.execution_rules, Security.NONE, by_list(2, 40)),
    "referencePrice": Method(rule_methods.reference_price, Security.NONE, fixed(2)),
    "referencePrice.calculation": Method(
        rule_methods.reference_price_calculation, Security.NONE, fixed(2)
    ),
    "avgPrice": Method(market_methods.average_price, Security.NONE, fixed(2)),
    "ticker.price": Method(market_methods.ticker_price, Security.NONE, by_symbol(2, 4)),
    "ticker.book": Method(market_methods.ticker_book, Security.NONE, by_symbol(2, 4)),
    "trades.recent": Method(market_methods.recent_trades, Security.NONE, fixed(25)),
    "trades.aggregate": Method(market_methods.aggregate_trades, Security.NONE, fixed(4)),
    "klines": Method(market_methods.klines, Security.NONE, fixed(2)),
    "order.place": Method(
        order_methods.place, Security.SIGNED, fixed(1), free_if_done=True, shows_orders=True
    ),
    "order.test": Method(
        order_methods.test, Security.SIGNED, with_flag("computeCommissionRates", 1, 20)
    ),
    "order.cancel": Method(order_methods.cancel, Security.SIGNED, fixed(1), free_if_done=True),
    "openOrders.cancelAll": Method(
        order_methods.cancel_all, Security.SIGNED, fixed(1), free_if_done=True
    ),
    "order.amend.keepPriority": Method(order_methods.amend, Security.SIGNED, fixed(4)),
    "order.amendments": Method(account_methods.amendments, Security.SIGNED, fixed(4)),
    "order.status": Method(account_methods.order_status, Security.SIGNED, fixed(4)),
    "openOrders.status": Method(
        account_methods.open_orders_status, Security.SIGNED, by_symbol(6, 80)
    ),
    "allOrders": Method(account_methods.all_orders, Security.SIGNED, fixed(20)),
    "myTrades": Method(
        account_methods.my_trades, Security.SIGNED, with_parameter("orderId", 20, 5)
    ),
    "myPreventedMatches": Method(
        account_methods.prevented_matches, Security.SIGNED, with_parameter("orderId", 2, 20)
    ),
    "account.status": Method(account_methods.account_status, Security.SIGNED, fixed(20)),
    "account.commission": Method(account_methods.account_commission, Security.SIGNED, fixed(20)),
    "account.rateLimits.orders": Method(
        account_methods.order_rate_limits, Security.SIGNED, fixed(40)
    ),
    "myFilters": Method(rule_methods.my_filters, Security.SIGNED, fixed(40)),
    "session.logon": Method(session_methods.log_on, Security.SIGNED, fixed(2)),
    "session.status": Method(session_methods.status, Security.NONE, fixed(2)),
    "session.logout": Method(session_methods.log_out, Security.NONE, fixed(2)),
    "userDataStream.subscribe": Method(session_methods.subscribe, Security.SESSION, fixed(2)),
    "userDataStream.subscribe.signature": Method(
        account_methods.subscribe, Security.SIGNED, fixed(2)
    ),
    "userDataStream.unsubscribe": Method(account_methods.unsubscribe, Security.NONE, fixed(2)),
    "session.subscriptions": Method(account_methods.subscriptions, Security.NONE, fixed(2)),
}
