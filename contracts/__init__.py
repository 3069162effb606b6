"""What other programs and teams may rely on: schemas of the plan and of the stack outputs, and a reader for the outputs."""
