"""The recurrence: tensors in, tensors out; no modules, no parameters, no randomness."""
