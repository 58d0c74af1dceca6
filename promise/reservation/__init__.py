"""What is promised: reservations and how they live."""
