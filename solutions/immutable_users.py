"""Users are immutable: a copy for each day. The bars still move, but yesterday is there to look at."""

import pandas as pd


def load_users(world, day):
    users = world.source("users", day)
    users = users.fillna({"name": "unknown", "status": "none"})
    world.replace("users", day, users)


def load_orders(world, day):
    orders = world.source("orders", day)
    file = world.files / "orders.csv"
    orders.to_csv(file, index=False, mode="a", header=not file.exists())


def process_users_orders(world, day):
    users = world.read("users", day=day, columns=["user_id", "status"])
    orders = pd.read_csv(world.files / "orders.csv")
    sales = orders.merge(users, on="user_id")
    sales = sales.groupby(["sales_date", "status"], as_index=False).agg(
        orders=("user_id", "size"),
        quantity=("quantity", "sum"),
        revenue_cents=("revenue_cents", "sum"),
    )
    sales.to_csv(world.files / "sales.csv", index=False)
