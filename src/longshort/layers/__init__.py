"""Parameters around the kernels: drop-in recurrent layers, their initial values and masks."""
