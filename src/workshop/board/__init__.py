"""The board: who is where, and why somebody is stuck, computed from lakes, runs and clocks. It runs nobody's code."""
