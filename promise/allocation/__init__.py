"""What is used: instances, and the servers that were made for them."""
