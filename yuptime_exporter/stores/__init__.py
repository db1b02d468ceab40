"""Where last pushes rest."""
