from hypothesis import settings

# A slow machine is not a broken law.
settings.register_profile("kubernetes", settings(), deadline=None)
settings.load_profile("kubernetes")
