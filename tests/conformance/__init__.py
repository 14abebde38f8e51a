"""The official conformance suite and other public validators, held against docs/conformance.md.

They come from npm and PyPI and then work offline; a scenario or a finding that the page does not answer fails.
"""
