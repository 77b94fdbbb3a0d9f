"""The paper broker: takes orders as a broker does and deals them against the house's own live quotes.

Nothing of it leaves the house. Its orders, executions, positions and cash are tables of its own, the truth that our
orders are compared with, as a real broker's books are.
"""
