# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Why did yesterday's numbers change?
#
# You look after a small shop's pipeline. Every day it loads the shop's users and orders, and a dashboard shows the
# revenue. One morning a bar of *yesterday* is different. Somebody asks you: **what changed?**
#
# In about an hour you will have a pipeline that can answer. This notebook leads you through; what else you need (your
# pipeline, Airflow) is one click away.
#
# - **Shift + Enter** runs a cell and goes on to the next one. That is how you read this page.
# - **Enter** lets you write into a cell, **Esc** ends it.
# - Where it says *My prediction*, write one. A wrong one is worth more than none.
#
# The amounts in the text are those of the shop in `sources/shop`. With another pack the story is the same, the amounts
# are not.

# %% [markdown]
# ## 0. Where you are
#
# You have a **desk**: the folder at the left. It holds this lesson, your `pipeline.py`, and your data. All of it is yours,
# and the cells of this lesson change only what is yours.
#
# Run the next cell. It opens your desk and defines `dashboard()`, which draws what the notebook
# [order_status_chart.ipynb](order_status_chart.ipynb) draws.

# %%
from IPython.display import display

from fde.chart import headline, order_status_chart, sentence, table
from fde.check import check
from workshop import airflow, desk, question, solution

world = desk.open()


def dashboard():
    rows, receipt = world.sales()
    print(headline(world.clock), sentence(rows), sep="\n")
    display(order_status_chart(rows, note=receipt), table(rows))


print(headline(world.clock))

# %% [markdown]
# The story has its own **clock**. It says 2022-01-01: day 1. Days pass only when somebody lets them pass.
#
# **Airflow** runs your pipeline. It is behind the same address as this notebook, and you are signed in already.
# Open it with the link of the next cell: you see `user_data_dag`, and it is yours. (On Airflow's home page the *Triggerer*
# is red: this workshop needs none, so none runs.)

# %%
airflow.link()

# %% [markdown]
# The DAG has four tasks. `start_import` settles which day it is about. The other three call the three functions of your
# `pipeline.py`. Read them; they are short:

# %%
print((world.desk / "pipeline.py").read_text())

# %% [markdown]
# Users: the newest list *overwrites* the one before. Orders: new ones are *appended*. Sales: computed from both, and
# *overwritten*. Most first pipelines look like this. Call it **mutable**: what was there before is changed in place.

# %% [markdown]
# ## 1. Day 1
#
# Let Airflow run the day. There are three ways, and they do the same:
#
# - here: `airflow.run()`, which waits and tells what each task does;
# - in Airflow: open `user_data_dag`, press **Trigger**, and in the form **Trigger** again. For another day than the clock's,
#   open *Advanced Options* first and write the day, like 2022-01-01, into *Partition Key*;
# - in a terminal (**File**, **New**, **Terminal**): `fde run`, which runs the three functions without Airflow.
#
# This lesson uses the first one. Use **one of the three, and once a day**: two ways are two runs.
# (The next cell sets your clock to day 1, where it is already, unless you come back here.)
#
# > **Your numbers differ from the text, a run failed, or you fell behind?** `!fde steps` says how far you are, and
# > `!catch-up 3` gives you the desk with which step 3 begins. Yours is kept whole; `!catch-up --undo` brings it back.
# > Stuck? `!fde help "what you tried, and what you see"` shows it on the instructor's board.

# %%
# !day-1
# !deploy latest

# %%
airflow.run()

# %%
dashboard()

# %% [markdown]
# You see one day with four bars: 1,803.60 in all, and the largest bar is silver with 1,015.20.
# Remember the silver one.

# %% [markdown]
# ## 2. Day 2: yesterday moves
#
# A night passes. 41 new orders come in, and the shop sends today's list of users.
#
# **My prediction:** what will the bars of day 1 look like tomorrow? *(Enter, write, Shift + Enter)*
#
# ...

# %% [markdown]
# Now let the day pass. `!` runs a command as in a terminal.
#
# `!day-2` sets *your own* clock, forward or back, and nobody else's. Does your instructor let the days pass for everyone?
# Then leave such cells out; at your own pace, run them. When the instructor sets a day, all clocks go there.

# %%
# !day-2

# %%
airflow.run()

# %%
dashboard()

# %% [markdown]
# Look at the row of 2022-01-01, not at the new one. **Yesterday's bars moved.** Silver went from 1,015.20 down to 415.70,
# gold from 59.85 up to 659.35: what one lost, the other gained. The total is 1,803.60 as before. But a number that people
# saw yesterday is not there any more, and nobody touched yesterday's orders.
#
# So: what changed? Ask.

# %%
# !fde diff 2022-01-01 2022-01-02

# %% [markdown]
# **No idea.** Yesterday's list of users was overwritten this morning. There is nothing left to compare with, and no amount
# of skill brings it back. The notebook [what_changed.ipynb](what_changed.ipynb) asks the same and gets the same answer.
#
# ### Can we not just turn the clock back?
#
# **My prediction:** the clock goes back to day 1, and day 1 runs again. Silver of day 1 will be: ...

# %%
# !day-1

# %%
airflow.run()

# %%
dashboard()

# %% [markdown]
# Three things are wrong at once:
#
# - Day 1 doubled: 78 orders, 3,607.20. Its orders were appended a second time.
# - Day 2 is still there, though the clock says day 1.
# - Day 2 lost an order, 40 are left. It is of a user who signed up on day 2 and is not in the list of day 1.
#
# **Turning the clock back does not turn mutable data back.** A pipeline like this can be run once, in order, and without a
# mistake.
#
# ### Could we have known?
#
# Every task was green. Airflow knows whether a function ended, not whether the idea is right. So ask for the idea: the
# next cell runs your `pipeline.py` on throw-away desks, twice, late, in another order, and compares what a dashboard
# shows. It takes a few seconds. (In a terminal: `fde check`.)

# %%
check(world)

# %% [markdown]
# Three laws are broken: *rerun*, *history* and *order*. Each names the rows that show it and the line where to look.
# *backfill* builds on them and is not judged yet. You need not repair this now: the next two steps do.

# %% [markdown]
# ## 3. Users that are never overwritten
#
# First begin again. The data is set aside, not thrown away:

# %%
# !fde start-over

# %% [markdown]
# What if we kept the list of users of every day? Each day gets its own place in the **lake** (tables that keep every
# state they ever had). A day that is written stays as it is: it is **immutable**. Two lines change:

# %%
solution.diff("immutable_users")

# %% [markdown]
# Do it: open `pipeline.py` (in the folder at the left), change the two lines, save with **Ctrl + S**, come back.
#
# - `world.replace("users", day, users)` writes one day of the table `users`, and no other.
# - `world.read("users", day=day)` reads that day.
#
# Then run the cell above again. It should say that no line differs. Another spelling that does the same is fine, too.
#
# The next cell is the last resort: it makes the change for you. It leaves a `pipeline.py` with lines of your own alone.

# %%
solution.take("immutable_users")

# %% [markdown]
# Set your clock to day 1 (it says so already, unless the instructor has moved it) and run it. Let day 2 pass, run that.
#
# **My prediction:** will yesterday's bars move this time? And what will the answer to "what changed?" be?
#
# ...

# %%
# !day-1

# %%
airflow.run()

# %%
# !day-2

# %%
airflow.run()

# %%
dashboard()

# %% [markdown]
# They moved again: silver of day 1 is 415.70. Keeping users did not make the picture stand still. But now ask:

# %%
# !fde diff 2022-01-01 2022-01-02

# %% [markdown]
# **Let me check yesterday.** Oak went from silver to gold, and 599.50 moved with Oak, about a third of that day's revenue.
# (Sycamore is new and could not have ordered before.) For the two pictures side by side open
# [what_changed.ipynb](what_changed.ipynb), then **Run**, **Run All Cells**.
#
# So nothing was broken: the dashboard says "by status", and people read *the status at the time of the order*. What it
# shows is *the status today*. You could only find that out because yesterday is still there to look at.

# %% [markdown]
# ## 4. Day 3: a fake order
#
# Users are safe now. Orders and sales are still changed in place.
#
# **My prediction:** an order turns out to be fake. How would I get it out of the dashboard?
#
# ...

# %%
# !day-3

# %%
airflow.run()

# %%
dashboard()

# %% [markdown]
# Bronze of day 3 is 37,621.95. Somebody ordered a thousand pieces for 36,072.00, as much as twenty days bring. All other
# bars shrink to nothing beside it. It is fake, and the dashboard is on the wall of the office. Roll back!

# %%
# !roll-back

# %%
dashboard()

# %% [markdown]
# Nothing happened: 37,621.95 is still there. The receipt under the picture says why: *this pipeline keeps no history*. There
# is no yesterday's dashboard to go back to.
#
# ### Everything immutable
#
# You know the move by now. Orders and sales get a place for each day as well:

# %%
solution.diff("functional")

# %% [markdown]
# Do it in `pipeline.py`, save, and run the cell above again. (An import that nobody uses any more does no harm.)
#
# Look at what `process_users_orders` is now: the sales of a day are computed from the users and the orders of *that* day,
# and from nothing else. The same day gives the same result, whenever and however often it runs, in whatever order. Such a
# function is called **pure**, and a pipeline of such functions **functional**.

# %%
solution.take("functional")

# %% [markdown]
# And what do the laws say now? (All hold.)

# %%
check(world)

# %% [markdown]
# The old data was made by the old pipeline. Begin again with an empty lake, show the latest, and let Airflow run the three
# days.
#
# In Airflow itself this is a **backfill**, and you may use it in place of the cell with `for`: open `user_data_dag`, press
# **Trigger**, choose *Backfill*, and mind two things.
#
# - *Date Range* asks for a time, too: from 2022-01-01 **00:00** to 2022-01-03 **00:00**, in UTC. A later time on the first
#   day leaves that day out, and nobody tells you.
# - *Reprocess Behavior* is *Missing Runs*. Choose **All Runs**: these days were run before.
#
# **My prediction:** silver of day 1 will be: ...

# %%
# !fde start-over
# !deploy latest

# %%
for day in world.clock.days[:3]:
    airflow.run(day)

# %%
dashboard()

# %% [markdown]
# **The bars stand still.** Silver of day 1 is 1,015.20 on day 3, as it was on day 1. Oak's orders of day 1 stay silver, for
# Oak was silver then; what Oak ordered on day 2 is gold. The fake order is still there, of course. Now roll back:

# %%
# !roll-back

# %%
dashboard()

# %% [markdown]
# Gone. The receipt says: days until 2022-01-02. No row was deleted, no file was restored, nothing was computed again. One
# pointer moved: which sales are **deployed**. Every dashboard of yours follows it, and you can go and have a coffee. What
# was imported is all still there:

# %%
# !fde versions

# %% [markdown]
# Two words that are easy to mix up:
#
# - the **day** (in the lake: `import_date`; in Airflow: partition key) says what the data is *about*;
# - the **version** (v1, v2, v3) says when we *learned* it. Every import that brings something new makes one.
#
# ### Side by side
#
# The first pipeline and the last one, over the same days: what did each show of *day 1*, day after day? Both run now, in
# throw-away folders; your desk is not touched.

# %%
solution.twin()

# %% [markdown]
# Who looked at the left one each morning saw three different days 1: silver was 1,015.20, then 415.70, then less again.
# At the right there is one.

# %% [markdown]
# ## 5. Day 4: late, and again
#
# Two things happen. An order of day 2 arrives late, two days after it was made. And the shop has thrown the fake order
# out: whoever asks for the orders of day 3 *from now on* gets them without it.
#
# **My prediction:** the late order shows up in the bar of day ... . After day 4 was run, the fake order is ... .

# %%
# !day 4

# %%
airflow.run()

# %%
# !deploy latest

# %%
dashboard()

# %% [markdown]
# - Silver of 2022-01-02 went from 465.40 to 615.25. The late order, 149.85, joined the bar of the day it was *made*. It came
#   with the import of day 4, so the imports of the days before are as they were.
# - Bronze of 2022-01-03 is 37,621.95. The fake order is still there: we learned of it on day 3, and nobody has asked
#   the shop for day 3 again.
#
# So ask again. Run day 3 once more: in Airflow that is **Trigger** with the *Partition Key* 2022-01-03, in a terminal
# `fde run --day 2022-01-03`.

# %%
airflow.run("2022-01-03")

# %%
dashboard()

# %% [markdown]
# Clean: bronze of day 3 is 1,549.95. The receipt says where it comes from: `2022-01-03: sales v5`, a *new version* of an
# *old day*. So once more, and now for good: what changed?

# %%
# !fde diff 2022-01-03 2022-01-04

# %% [markdown]
# **Let me check yesterday.** The fake order left bronze of 2022-01-03, 36,072.00 less, and the late order joined silver of
# 2022-01-02, 149.85 more. Fir got another status, too, and this time that moved no bar of an earlier day.
#
# And what did people see before, on the evening of day 3? That is version 3:

# %%
# !deploy v3

# %%
dashboard()

# %% [markdown]
# There it is again, 37,621.95, exactly as it was seen then. Nobody has to remember it, and nobody can deny it. And who does
# not believe a stored number computes it again, from the users and orders of then, by the code of then:

# %%
# !fde replay v3

# %% [markdown]
# **Identical.** Back to the latest:

# %%
# !deploy latest

# %%
# !fde versions

# %% [markdown]
# v5 is about 2022-01-03 and came after v4. Day and version are two different things.
#
# **Try it:** run any day again, as often as you like. The numbers stay, and `fde versions` shows no new version: the same
# content again is nothing new.

# %% [markdown]
# ## 6. Day 5: the tax rate changes
#
# The shop owes tax on what it sells: some percent of the revenue, on top of it. From today on it is another percent.
# Let the day pass and look at what the shop sends:

# %%
# !day 5
# !deploy latest

# %%
world.source("tax_rates", world.clock.day)

# %% [markdown]
# A list of rates, each with the date from which it is valid. Many pipelines have such a number in their code instead:
# `tax = revenue * 0.1`. Whoever changes that line changes the tax of *every* day that is computed again, and who runs an
# old day gets a new tax. **A rule that changes is data**: it comes from a source, and each day keeps the list that it was
# sent.

# %%
solution.diff("taxed")

# %% [markdown]
# Do it in `pipeline.py`, save, and run the cell above again. Lines are only added:
#
# - `load_orders` keeps the day's list of rates, in a table of its own.
# - `percent_on` picks the newest rate that was valid on the date of an order. Tax is rounded order by order, half a cent up.

# %%
solution.take("taxed")

# %%
airflow.run()

# %%
dashboard()

# %% [markdown]
# There is a column *tax*. Day 5 has 394.02, which is 20 percent of 1,970.10. The days before say **unknown**: the pipeline
# that computed them knew no tax. That is not the same as 0, and a sum with an unknown part is unknown.
#
# Look at 2022-01-04: it had 1,713.60 and has 1,830.60 now. An order of day 4 arrived today, 117.00, together with the new
# list of rates.
#
# **Question:** by which rate is this late order taxed, in percent? Write it in place of the three dots.

# %%
question.answer("rate", ...)

# %% [markdown]
# **Question:** in the import of which day is the late order? (A number like 1, or a date.)

# %%
question.answer("import", ...)

# %% [markdown]
# Now the tax of the days before. Nothing in the code says which day it is, so run them all again:

# %%
for day in world.clock.days:
    airflow.run(day)

# %%
dashboard()

# %% [markdown]
# All bars stand still, and each day has its tax: 183.12 for 2022-01-04, about 10 percent of 1,830.60 (each order is rounded
# by itself), and 394.02 for 2022-01-05, as before. The late order has the old rate, and nobody had to think of it.
#
# What people saw before is still there, without tax: `!deploy v5`, and back with `!deploy latest`. Whatever the shop writes
# into tomorrow's list, no version that you have seen will change.
#
# **Question:** suppose that the shop corrects itself: the new rate was valid from 2022-01-04 already. Which days have to be
# sent and run again? (Several are a list, like `[1, 2]`.)

# %%
question.answer("again", ...)

# %% [markdown]
# ### Would Delta alone have saved us?
#
# The lake is made of Delta tables, and Delta keeps former states by itself. So was all this work needed? Try it: a
# pipeline that overwrites the users each day, as the first one did, but in a Delta table with its usual settings. Days 1
# to 3, and then day 2 once more. All in a throw-away folder.

# %%
from tempfile import TemporaryDirectory

import pandas as pd
from deltalake import DeltaTable, write_deltalake

folder = TemporaryDirectory()
for day in [*world.clock.days[:3], world.clock.days[1]]:
    write_deltalake(folder.name, world.source("users", day), mode="overwrite")

versions = pd.DataFrame(DeltaTable(folder.name).history())[["version", "timestamp", "operation"]]
versions.assign(timestamp=pd.to_datetime(versions["timestamp"], unit="ms"))

# %% [markdown]
# Four states, and nothing is lost *so far*. Now: which of them is the list of 2022-01-02? The table does not say.
#
# - *timestamp* is when somebody wrote, not the day it is about. All four were written just now.
# - Two of them hold day 2. Which one did the dashboard read?
# - Nothing says which orders they were joined with, nor by which code.
#
# And it does not keep them for ever. With the usual settings the log forgets after 30 days, and files that no current
# state needs may be deleted after 7, whenever somebody cleans up (`vacuum`). Let us not wait so long:

# %%
table_of_users = DeltaTable(folder.name)
files = table_of_users.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
print(f"{len(files)} files were deleted.")
try:
    DeltaTable(folder.name, version=0).to_pandas()
except Exception as error:
    print("Version 0 can no longer be read:", type(error).__name__)

# %% [markdown]
# So: for a while, and only if you remember what is what. **Delta keeps states, not their meaning.** Your lake *is* Delta, and
# adds what it cannot know: which day a state is about, what it was computed from, by which code; and that nothing is ever
# deleted.

# %% [markdown]
# ## What to take home
#
# - **Never overwrite what you will be asked about.** Keep the input of every day; it costs little and answers "what changed?".
# - **Compute a day from that day's data only.** Then a run may be repeated, run late, or run out of order.
# - **Let a pointer decide what people see.** Going back is then a small change, and data is never touched in a hurry.
# - **Keep the day apart from the version.** The day is what it is about, the version is when you learned it.
# - **Keep rules as data, valid from a date.** Code that knows today's rule forgets yesterday's.
#
# Look at [pipeline.py](pipeline.py) once more. Each function reads one day and writes one day. That is all.
#
# `!fde export` writes your whole desk, its lake and its receipts into one file, to take home.
