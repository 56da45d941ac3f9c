"""How the word lists and the weights in `mentions/data` are made. Nothing here is imported when the gateway runs."""
