# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # The dashboard: order status
#
# How much revenue did each day bring, by the status of the users who ordered?
# Draw it again whenever a day has passed or something was deployed: **Run**, **Run All Cells**.

# %%
from fde.chart import headline, order_status_chart, sentence, table
from workshop import desk

world = desk.open()
print(headline(world.clock))

# %%
rows, receipt = world.sales()
order_status_chart(rows, note=receipt)

# %% [markdown]
# Under the picture stands its **receipt**: which sales it shows, and what they were computed from.
# The same picture as a table and as a sentence:

# %%
print(sentence(rows))
table(rows)
