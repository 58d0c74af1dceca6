"""The one place where decisions become durable."""
