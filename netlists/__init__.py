"""What to solve: decks as data (`deck`, `build`) and as text a designer likes to read (`spice`)."""
