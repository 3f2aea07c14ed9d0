"""The command's words, a module for each group of them.

A module has `add(commands)`, which adds its parsers; each parser's default `run` is a function of the parsed arguments that
returns an ExitCode. What takes long to load is imported there, so that `otlpd version` does not wait for gRPC.
"""
