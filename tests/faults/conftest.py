"""The command line, a stranger's plugins and small clips, as in the tests of runs."""

from runner.conftest import bench, clips, plugins

__all__ = ["bench", "clips", "plugins"]
