"""The operations of NETCONF itself, read and answered as RFC 6241 and its extensions say."""
