"""How many examples Hypothesis tries of each law, in a profile for each ring of tests."""

from hypothesis import HealthCheck, settings

# A slow machine is not a broken law.
settings.register_profile(
    "whole", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fast", settings.get_profile("whole"), max_examples=20)
settings.load_profile(
    "whole"
)  # `--hypothesis-profile=fast` selects the other, before any test is read


def examples(number: int) -> int:
    """Return this number of examples, in the fast ring a fifth of it."""
    return number * settings().max_examples // 100
