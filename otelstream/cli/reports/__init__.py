"""Reports of `stats`: their SQL, what it answers, and how that is printed and drawn."""
