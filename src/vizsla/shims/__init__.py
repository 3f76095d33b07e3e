"""Other tools' names over vizsla's models: thin, no arithmetic of their own.

Import the module named after the tool: `vizsla.shims.rocketqa`, `vizsla.shims.modelscope`.
"""
