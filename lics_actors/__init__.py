"""The actors that keep every instrument alive, and the way in to them."""
