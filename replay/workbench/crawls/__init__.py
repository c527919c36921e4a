"""The pages of crawls."""
