"""Small servers that behave like real ones, and fail on request."""
