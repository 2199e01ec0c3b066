"""What the assistant may do: manifests, values and their provenance, policy, and the one door to effects."""
