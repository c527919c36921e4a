"""What readers are shown of collections: descriptions, numbers, search in both, as values for the views."""
