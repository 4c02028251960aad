"""What the survivor agreed to: one agency, one purpose, listed sections, an end date; giving it, refusing it, taking it back."""
