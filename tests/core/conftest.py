from hypothesis import settings

# A slow machine is not a broken law.
settings.register_profile("core", settings(), deadline=None)
settings.load_profile("core")
