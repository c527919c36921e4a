"""What a crawl decides, and the queue of what it has still to fetch."""
