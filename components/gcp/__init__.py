"""What Google Cloud makes of a cluster plan: one file per noun, named as in every cloud's package."""
