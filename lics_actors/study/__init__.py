"""What is studied, and how: subjects, protocols, experiments, runs; rules (pure), and the desks where people keep them."""
