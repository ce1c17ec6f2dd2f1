"""What people are told, on their phones and in their mail: an instrument on the one catalogue of facts."""
