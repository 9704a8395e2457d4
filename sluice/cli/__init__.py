"""The command `sluice`. Packages add commands through the entry point group `sluice.commands`."""
