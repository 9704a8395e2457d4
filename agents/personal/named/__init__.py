"""What has no form of its own: names of people, places and organisations, and where people live."""
