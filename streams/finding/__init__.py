"""Finding personal data in processes of its own: an event loop must not stand still for a long text."""
