"""One page with charts out of the marts."""
