"""What other archives hold of a URL: asked only when that is wanted, within limits, and never taken for our own."""
