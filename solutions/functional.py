"""Everything is immutable: each day's sales come from that day's users and that day's orders, and nothing else."""


def load_users(world, day):
    users = world.source("users", day)
    users = users.fillna({"name": "unknown", "status": "none"})
    world.replace("users", day, users)


def load_orders(world, day):
    orders = world.source("orders", day)
    world.replace("orders", day, orders)


def process_users_orders(world, day):
    users = world.read("users", day=day, columns=["user_id", "status"])
    orders = world.read("orders", day=day)
    sales = orders.merge(users, on="user_id")
    sales = sales.groupby(["sales_date", "status"], as_index=False).agg(
        orders=("user_id", "size"),
        quantity=("quantity", "sum"),
        revenue_cents=("revenue_cents", "sum"),
    )
    world.replace("sales", day, sales)
