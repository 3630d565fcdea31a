"""The place of `agents.extensions`; of it there is `handoff_prompt`. Who may import it: users and tests."""
