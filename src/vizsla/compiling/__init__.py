"""Lower precision, checked: calibration, compiled models and the quality gate.

Each module says what it knows; import what you need from its module.
"""
