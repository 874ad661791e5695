"""What is being asked: each head is parameters, a loss and a decoding in one object."""
