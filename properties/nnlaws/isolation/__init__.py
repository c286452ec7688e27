"""What a call of the target may do to us: its exceptions, its process, the processor's floating-point mode."""
