# Here because it was saved half written.
def total(prices:
    return sum(prices)
