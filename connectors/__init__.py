"""From topics to the landing zone and the warehouse. Never imports agents or streams."""
