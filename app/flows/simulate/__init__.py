"""The dry run (K2): a flow over the store's own past, through the very functions that run it live.

The past is read once, person by person, and replayed in memory in the order in which it became known;
nothing is written. `app/flows/live.py`, the planner and the gate do not know that time is another one.
"""
