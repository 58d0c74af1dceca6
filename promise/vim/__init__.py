"""How we speak to clouds."""
