"""The province server: registry, customers and consent, master galleries, cross-city search, feed to the cities."""
