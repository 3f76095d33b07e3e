"""The ground every other folder stands on: doors, hits, vectors, artifacts, settings, errors, extras.

Knows numpy and scipy. Refuses to know files of the field, languages, models and indexes.
"""
