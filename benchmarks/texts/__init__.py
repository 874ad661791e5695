"""The benchmark of language models: texts, their networks' speed beside others, its page."""
