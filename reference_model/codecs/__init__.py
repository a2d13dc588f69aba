"""What stands between media and the model: picture and sound to latents and back, texts to numbers.

The interfaces are in `interface`; each other module is one codec. Nothing here knows the diffusion model.
"""
