"""One module a package: its recordings and the facts that it gives about each."""
