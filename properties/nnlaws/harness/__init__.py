"""The harness: finds targets, runs laws on them in processes of their own, and notes what was found."""
