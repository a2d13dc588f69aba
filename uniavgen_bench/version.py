"""The version of the package, alone, so that reading it imports nothing."""

VERSION = "0.1.0.dev0"
