"""The embedded models and recordings that `balsa fetch demo` brings by package name."""
