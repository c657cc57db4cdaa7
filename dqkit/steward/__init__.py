"""What a steward does with hospitals: hands problems back, takes replies, keeps the states of problems."""
