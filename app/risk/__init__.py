"""Risk: the limits of a tenant and the pre-trade chain that holds orders against them."""
