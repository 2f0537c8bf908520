"""Tax is data: each day keeps the rates it was sent, and an order is taxed by the rate of the date it was made."""


def load_users(world, day):
    users = world.source("users", day)
    users = users.fillna({"name": "unknown", "status": "none"})
    world.replace("users", day, users)


def load_orders(world, day):
    orders = world.source("orders", day)
    world.replace("orders", day, orders)
    world.replace("tax_rates", day, world.source("tax_rates", day))


def process_users_orders(world, day):
    users = world.read("users", day=day, columns=["user_id", "status"])
    orders = world.read("orders", day=day)
    orders["tax_cents"] = tax_cents(orders, world.read("tax_rates", day=day))
    sales = orders.merge(users, on="user_id")
    sales = sales.groupby(["sales_date", "status"], as_index=False).agg(
        orders=("user_id", "size"),
        quantity=("quantity", "sum"),
        revenue_cents=("revenue_cents", "sum"),
        tax_cents=("tax_cents", "sum"),
    )
    world.replace("sales", day, sales)


def tax_cents(orders, rates):
    """The tax of each order, in whole cents: half a cent goes up, order by order."""
    percent = {date: percent_on(date, rates) for date in orders["sales_date"].unique()}
    return (orders["revenue_cents"] * orders["sales_date"].map(percent).astype(int) + 50) // 100


def percent_on(date, rates):
    """The newest rate that was valid by then. (Dates like 2022-01-31 compare as text.)"""
    valid = rates[rates["valid_from"] <= date].sort_values("valid_from")
    if valid.empty:
        raise ValueError(f"an order of {date}, but no tax rate is valid by then. Ask the shop for older rates.")
    return valid["percent"].iloc[-1]
