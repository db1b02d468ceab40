"""The loops and procedures that move values between the core and the world."""
