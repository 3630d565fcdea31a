"""Language models: what thinks between hearing and speaking.

Here live the implementations of `vivavoce.engines.base.LanguageModel`: the built-in brain, which needs no
weights and says so (`brain`), and any OpenAI-compatible Chat Completions endpoint (`chat_completions`).
Nothing here knows audio, sessions or transports. The engine registry finds the models by name; only the
pipeline and tests import them.
"""
