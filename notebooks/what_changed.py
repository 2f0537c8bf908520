# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # What changed?
#
# Yesterday beside today. *Yesterday* and *today* are the last two days by your clock.
# Ask again whenever a day has passed and was run: **Run**, **Run All Cells**.

# %%
from IPython.display import display

from fde.changes import sales_moved, sales_seen, users_changed, yesterday_and_today
from fde.chart import headline, in_units, two_charts
from workshop import desk

world = desk.open()
print(headline(world.clock))
yesterday, today = yesterday_and_today(world.clock)

# %% [markdown]
# ## Which users differ?

# %%
with desk.plainly():
    display(users_changed(world, yesterday, today))

# %% [markdown]
# ## Which sales moved?
#
# Sales of the days until yesterday: by what was known yesterday, and by what is known today.
# (A day that was run only later is shown as its first run showed it.) No rows in the table: nothing moved.

# %%
with desk.plainly():
    display(in_units(sales_moved(world, yesterday, today)))

# %% [markdown]
# ## The same days, seen twice
#
# Left: as seen yesterday. Right: as seen today. A bar that moved says by how much.

# %%
with desk.plainly():
    before, after = (sales_seen(world, day, until=yesterday) for day in (yesterday, today))
    display(two_charts(before, after, (f"as seen on {yesterday}", f"as seen on {today}")))
