"""Bulk enrolment: a list of customers with their consents, and a photo of each."""
