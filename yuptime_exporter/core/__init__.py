"""What the program decides: pure functions and plain values; no I/O, no clock, no asyncio."""
