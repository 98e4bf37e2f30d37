"""The methods of the WebSocket API by name: what each one does, needs and weighs."""

from paper_exchange.protocol import account_methods, market_methods, order_methods
from paper_exchange.protocol.calls import Method, Security

METHODS: dict[str, Method] = {
    "ping": Method(market_methods.ping, Security.NONE, 1),
    "time": Method(market_methods.time, Security.NONE, 1),
    "exchangeInfo": Method(market_methods.exchange_info, Security.NONE, 20),
    "ticker.price": Method(market_methods.ticker_price, Security.NONE, 2, 4),
    "ticker.book": Method(market_methods.ticker_book, Security.NONE, 2, 4),
    "trades.recent": Method(market_methods.recent_trades, Security.NONE, 25),
    "trades.aggregate": Method(market_methods.aggregate_trades, Security.NONE, 4),
    "klines": Method(market_methods.klines, Security.NONE, 2),
    "order.place": Method(order_methods.place, Security.SIGNED, 1, is_order=True),
    "order.test": Method(order_methods.test, Security.SIGNED, 1),
    "order.cancel": Method(order_methods.cancel, Security.SIGNED, 1, is_order=True),
    "openOrders.cancelAll": Method(order_methods.cancel_all, Security.SIGNED, 1, is_order=True),
    "order.amend.keepPriority": Method(order_methods.amend, Security.SIGNED, 4),
    "order.status": Method(account_methods.order_status, Security.SIGNED, 4),
    "openOrders.status": Method(account_methods.open_orders_status, Security.SIGNED, 6, 80),
    "allOrders": Method(account_methods.all_orders, Security.SIGNED, 20),
    "myTrades": Method(account_methods.my_trades, Security.SIGNED, 20),
    "account.status": Method(account_methods.account_status, Security.SIGNED, 20),
    "account.commission": Method(account_methods.account_commission, Security.SIGNED, 20),
    "userDataStream.subscribe.signature": Method(account_methods.subscribe, Security.SIGNED, 2),
    "userDataStream.unsubscribe": Method(account_methods.unsubscribe, Security.NONE, 2),
    "session.subscriptions": Method(account_methods.subscriptions, Security.NONE, 2),
}
