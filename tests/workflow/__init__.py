"""Tests of whole runs, in copies of the checkout."""
