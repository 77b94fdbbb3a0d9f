"""Faults on real processes: an installation under load is broken again and again, and its promises are checked after.

Inside: `stage` the installation with its second processes, `proxy` the wires that can be broken, `faults` the kinds and
their seeded schedule, `load` the clients with their log, `followers` the event streams, `evidence` what is read
afterwards, `checks` the promises as pure functions over it, `report` the table, `campaign` all of it in order.
"""
