from hypothesis import settings

# A slow machine is not a broken law.
settings.register_profile("core", settings(), deadline=None, max_examples=200)
settings.load_profile("core")
