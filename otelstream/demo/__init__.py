"""A demo run that needs no key and no network: a real CrewAI flow whose models answer from a script.

Importing this package imports no CrewAI; its modules `scripted_llm` and `flow` do.
"""
