"""What is configured beyond policy and providers, and how a change of the configuration is confirmed; pure records."""
