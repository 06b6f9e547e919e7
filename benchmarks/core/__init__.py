"""What the scheduling core costs: CPU per event, growth with the number of programs, memory per program."""
