"""The pipeline as people write it first: the newest files win, and nothing is kept."""

import pandas as pd


def load_users(world, day):
    users = world.source("users", day)
    users = users.fillna({"name": "unknown", "status": "none"})
    users.to_csv(world.files / "users.csv", index=False)


def load_orders(world, day):
    orders = world.source("orders", day)
    file = world.files / "orders.csv"
    orders.to_csv(file, index=False, mode="a", header=not file.exists())


def process_users_orders(world, day):
    users = pd.read_csv(world.files / "users.csv")
    orders = pd.read_csv(world.files / "orders.csv")
    sales = orders.merge(users, on="user_id")
    sales = sales.groupby(["sales_date", "status"], as_index=False).agg(
        orders=("user_id", "size"),
        quantity=("quantity", "sum"),
        revenue_cents=("revenue_cents", "sum"),
    )
    sales.to_csv(world.files / "sales.csv", index=False)
