"""A checkpoint in, a bundle out, with proof of what the shrinking cost. Knows nothing of chat or Android."""
