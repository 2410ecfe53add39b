"""The public JSON of Postroom: what travels over the wire, and nothing else.

Class names are the component names of the contract (`docs/contract/aurinko.openapi.yaml`).
"""
