"""Pages of collections, their seeds and what is said of them."""
