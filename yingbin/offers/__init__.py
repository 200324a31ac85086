"""What to say to this customer now: profile -> rules -> card view (province), card view -> offers (city)."""
