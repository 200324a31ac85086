"""The city server: authenticates boxes, matches, keeps visits, alerts the tablets of the branch."""
