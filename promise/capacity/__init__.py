"""What there is: providers, pools, and the timelines on which everything is decided."""
