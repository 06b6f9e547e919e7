"""A stock list as plain text."""


def stock_report(ledger, low_below=3):
    """Return one line for each article; scarce ones are marked."""
    skus = ledger.skus()
    if not skus:
        return "(no articles)"
    width = max(len(sku) for sku in skus)
    rows = []
    for sku in skus:
        available = ledger.available(sku)
        mark = " LOW" if available < low_below else ""
        rows.append(
            f"{sku:<{width}} {ledger.on_hand(sku):>5} on hand"
            f" {ledger.held(sku):>5} held {available:>5} available{mark}"
        )
    return "\n".join(rows)
