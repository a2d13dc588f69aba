"""Training the small model: shards to latents, batches, losses, the loop, and its recipes."""
