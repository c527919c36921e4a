"""The client-side part of replay: see `core.js`."""
