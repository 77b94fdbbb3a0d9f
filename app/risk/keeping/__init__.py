"""Limits as people keep them: versions with author and reason, loosening by two, files, templates, shadows, drills."""
