"""A stranger's plugins: two honest metrics, several bad ones, and a system."""
