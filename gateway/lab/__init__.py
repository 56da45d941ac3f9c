"""The policy laboratory: what another merge policy would have done, before it does anything."""
