"""What is true of users, sessions and items, and who may do what; standard library only."""
