"""What the gateway adds to the mentions' pure rules: what a room knows, what use teaches, when to keep silent."""
