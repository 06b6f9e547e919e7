"""Exceptions of the package."""


class StockError(Exception):
    """Base class of everything that stockroom raises on purpose."""


class UnknownSku(StockError):
    """The article is not listed in the ledger."""

    def __init__(self, sku):
        super().__init__(f"unknown article {sku}")
        self.sku = sku


class OutOfStock(StockError):
    """There is less available than an order wants."""

    def __init__(self, sku, wanted, available):
        super().__init__(f"{sku}: {wanted} wanted, {available} available")
        self.sku = sku
        self.wanted = wanted
        self.available = available


class UnknownOrder(StockError):
    """No open reservation has this order number."""

    def __init__(self, order_id):
        super().__init__(f"no open reservation for order {order_id}")
        self.order_id = order_id


class DuplicateOrder(StockError):
    """The order number has an open reservation already."""

    def __init__(self, order_id):
        super().__init__(f"order {order_id} is reserved already")
        self.order_id = order_id
